# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network is taught by another one, of another stride, and may keep what it started from."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.frame_scores import at_whole_strides  # noqa: E402
from nightseg_ros.learning.methods.segmentation.config import TrainConfig  # noqa: E402
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402


def frames(count: int, height: int, width: int) -> TensorSet:
    images = torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8)
    labels, none = images[..., 0] % 19, torch.zeros(count, dtype=torch.bool)
    return TensorSet(images, labels, torch.ones(count), none)


def test_a_teacher_of_a_larger_stride_sees_whole_frames_too(tmp_path: Path) -> None:
    pyramid = NetworkConfig("efficientnet_fpn0", pretrained=False)
    save_checkpoint(tmp_path / "teacher.pt", create_network(pyramid), pyramid, {})
    config = TrainConfig(
        "x",
        (SourceConfig("unread"),),
        (),
        network=NetworkConfig(width=0.25),
        teacher=str(tmp_path / "teacher.pt"),
        view=(64, 96),
        test_size=(72, 96),
        whole=1.0,
    )
    module = SegmentationModule(config, frames(2, 72, 96), {})
    module.log = lambda *_, **__: None
    loss = module.training_step(torch.tensor([0, 1]), 0)
    assert torch.isfinite(loss)


def test_images_that_fit_are_not_stretched() -> None:
    images = torch.rand(1, 3, 64, 96)
    assert torch.equal(at_whole_strides(images, 32), images)
    assert at_whole_strides(images[:, :, :40], 32).shape[-2:] == (64, 96)


def module_that_keeps(keep: float, start: Path) -> SegmentationModule:
    config = TrainConfig(
        "x",
        (SourceConfig("unread"),),
        (),
        network=NetworkConfig(width=0.25),
        init=str(start),
        keep=keep,
        view=(64, 96),
        batch=2,
    )
    return SegmentationModule(config, frames(4, 64, 96), {})


def test_result_keeps_a_share_of_the_weights_it_started_from(tmp_path: Path) -> None:
    network = NetworkConfig(width=0.25)
    start = create_network(network)
    save_checkpoint(tmp_path / "start.pt", start, network, {})
    module = module_that_keeps(0.25, tmp_path / "start.pt")
    norm = next(m for m in module.average.modules() if isinstance(m, torch.nn.BatchNorm2d))
    with torch.no_grad():
        for parameter in module.average.parameters():
            parameter.add_(1.0)
        norm.running_mean.fill_(1e6)
    module.settle()
    for begin, end in zip(start.parameters(), module.average.parameters(), strict=True):
        torch.testing.assert_close(end, begin + 0.75)
    assert norm.running_mean.abs().max() < 1e3  # measured anew, not mixed
    assert not any("start" in key for key in module.state_dict())


def test_without_keep_the_result_is_what_training_ended_with(tmp_path: Path) -> None:
    network = NetworkConfig(width=0.25)
    save_checkpoint(tmp_path / "start.pt", create_network(network), network, {})
    module = module_that_keeps(0.0, tmp_path / "start.pt")
    before = {name: value.clone() for name, value in module.average.state_dict().items()}
    module.settle()
    for name, value in module.average.state_dict().items():
        assert torch.equal(value, before[name])


def test_nothing_can_be_kept_of_fresh_weights() -> None:
    with pytest.raises(NightsegError, match=r"keep is 0\.3, but it starts from fresh weights"):
        TrainConfig("x", (SourceConfig("unread"),), (), keep=0.3)
