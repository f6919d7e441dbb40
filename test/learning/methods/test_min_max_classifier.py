# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The classifier: by day first, then for a night that it never saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.pictures import make_pictures  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.methods.min_max_classifier.config import MinMaxClassifierConfig  # noqa: E402
from nightseg_ros.learning.methods.min_max_classifier.module import random_crop  # noqa: E402
from nightseg_ros.learning.networks.classifier import (  # noqa: E402
    ClassifierConfig,
    create_classifier,
    load_classifier,
)
from nightseg_ros.learning.train import train  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> MinMaxClassifierConfig:
    lights = {"train": 1.0, "val": 1.0, "test_night": 0.08}
    folder = make_pictures(tmp_path_factory.mktemp("pictures"), lights, kinds=4)
    return MinMaxClassifierConfig(
        "small",
        str(folder),
        network=ClassifierConfig(classes=4, width=0.125),
        val=("val",),
        test=("test_night",),
        view=48,
        cache=48,
        steps=40,
        batch=16,
        val_every=40,
        jitter=0.1,
        precision="32-true",
        lr=3e-3,
    )


def test_the_day_network_is_adapted_to_the_night(config, tmp_path):
    by_day = train(config, tmp_path / "day", "")
    assert by_day["figures"]["top1/val"] > 70
    init = by_day["checkpoint"]
    adapted = train(
        replace(config, init=init, darken="gamma", exposure=(0.02, 0.2)), tmp_path / "night", ""
    )
    assert adapted["figures"]["top1/test_night"] > by_day["figures"]["top1/test_night"] + 10
    assert adapted["figures"]["top1/val"] > 60
    network, described, about = load_classifier(Path(adapted["checkpoint"]))
    assert described == config.network
    assert about["classes"] == ["kind_0", "kind_1", "kind_2", "kind_3"]
    state = torch.load(tmp_path / "night" / "last.ckpt", weights_only=True)["state_dict"]
    assert any(name.startswith("similarity.slow_network.") for name in state)
    assert network(torch.rand(2, 3, 48, 48)).shape == (2, 4)


def test_it_is_the_published_network():
    network = create_classifier(ClassifierConfig())
    assert sum(p.numel() for p in network.parameters()) == 11_181_642  # ResNet-18, ten classes


def test_what_cannot_be_is_refused(config, tmp_path):
    with pytest.raises(NightsegError, match="'test_night' is named after the night"):
        replace(config, val=("val", "test_night"))
    with pytest.raises(NightsegError, match="has 4 classes"):
        train(replace(config, network=ClassifierConfig(classes=10)), tmp_path, "")
    with pytest.raises(NightsegError, match="'vgg' is unknown"):
        create_classifier(ClassifierConfig("vgg"))


def test_crops_show_a_part_of_the_picture_and_all_of_it_at_most():
    torch.manual_seed(0)
    ramp = torch.linspace(0, 1, 64).expand(8, 3, 64, 64)
    for area, least in (((1.0, 1.0), 0.9), ((0.25, 0.25), 0.4)):
        seen = random_crop(ramp, 32, area)
        span = seen.amax((1, 2, 3)) - seen.amin((1, 2, 3))
        assert (span > least).all()
        assert (span <= least + 0.1).all()
