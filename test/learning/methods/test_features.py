# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network learns the features of its teacher."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.methods.features.config import FeaturesConfig  # noqa: E402
from nightseg_ros.learning.methods.features.module import FeaturesModule  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402

NETWORK = NetworkConfig(width=0.25)


def make(folder: Path, **keys: object) -> FeaturesModule:
    torch.manual_seed(1)
    teacher = folder / "teacher.pt"
    save_checkpoint(teacher, create_network(NETWORK), NETWORK, {})
    torch.manual_seed(0)
    images = torch.randint(0, 256, (4, 8, 12, 3), dtype=torch.uint8)
    images = images.repeat_interleave(8, 1).repeat_interleave(8, 2)
    frames = TensorSet(images, images[..., 0] % 19, torch.ones(4), torch.zeros(4, dtype=torch.bool))
    sources = (SourceConfig("unread"),)
    keys = {"teacher": str(teacher), "view": (64, 96), **keys}
    return FeaturesModule(FeaturesConfig("x", sources, (), network=NETWORK, **keys), frames, {})


def test_the_error_falls_and_the_teacher_stays(tmp_path):
    module = make(tmp_path, teacher_stages=("encoder.stage2", "encoder.stage3"))
    module.log = lambda *_, **__: None
    (teacher,) = module._teacher
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    optimizer = torch.optim.AdamW(module.parameter_groups(), lr=3e-3)
    losses = []
    for _ in range(30):
        loss = module.training_step(torch.arange(4), 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not [name for name in module.state_dict() if "teacher" in name]


def test_labels_are_learned_beside_the_features(tmp_path):
    module = make(tmp_path, label_weight=0.5)
    module.log = lambda *_, **__: None
    module.training_step(torch.arange(4), 0).backward()
    assert module.network.head[-1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"teacher": ""}, "features are those of a teacher"),
        ({"student_stage": "pyramids"}, "did you mean 'pyramid'"),
        ({"teacher_stages": ()}, "use at least one"),
        ({"compile": True}, "compile is for recipe segmentation"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, keys, words):
    with pytest.raises(NightsegError, match=words):
        make(tmp_path, **keys)
