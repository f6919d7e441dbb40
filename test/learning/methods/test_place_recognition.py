# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Retrieval: pooling, loss and mAP by hand, and an adaptation on drawn places."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from support.pictures import make_pictures  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.darkenings import darken_by  # noqa: E402
from nightseg_ros.learning.methods.min_max.place_recognition import (  # noqa: E402
    GeM,
    PlaceNetwork,
    contrastive_loss,
    describe,
    hard_negatives,
    main,
    mean_average_precision,
    place_loss,
    train_places,
)
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.networks.resnet import ResNet  # noqa: E402


def test_gem_lies_between_mean_and_maximum():
    x = torch.rand(2, 5, 4, 6)
    assert torch.allclose(GeM(1.0)(x), x.mean((2, 3)), atol=1e-5)
    assert torch.allclose(GeM(100.0)(x), x.amax((2, 3)), atol=0.05)
    gem = GeM()
    gem(x).sum().backward()
    assert float(gem.power.grad.abs()) > 0


def test_the_loss_counts_positives_and_near_negatives():
    anchor = torch.tensor([[0.0, 0.0]])
    positives = torch.tensor([[[3.0, 4.0], [0.0, 1.0]]])  # at 5 and 1
    negatives = torch.tensor([[[0.5, 0.0], [9.0, 0.0]]])  # at 0.5 and 9
    expected = 0.5 * (25 + 1 + (0.85 - 0.5) ** 2)
    assert float(contrastive_loss(anchor, positives, negatives)) == pytest.approx(expected)


def test_average_precision_by_hand():
    database = torch.eye(4)
    places = torch.tensor([0, 1, 0, 2])
    query = torch.tensor([[0.5, 0.9, 0.4, 0.1]])  # ranks 1, 0, 2, 3: right at 2 and 3
    found = mean_average_precision(query, torch.tensor([0]), database, places)
    assert found == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    with pytest.raises(NightsegError, match="no image"):
        mean_average_precision(query, torch.tensor([5]), database, places)


def test_hard_negatives_are_near_and_of_other_places():
    descriptors = torch.tensor([[1.0, 0.0], [0.99, 0.1], [0.9, 0.4], [0.0, 1.0]])
    places = torch.tensor([0, 0, 1, 2])
    assert hard_negatives(descriptors, places, torch.tensor([0]), 2).tolist() == [[2, 3]]


def test_the_darkened_positive_is_a_second_one():
    torch.manual_seed(0)
    network = PlaceNetwork(ResNet(18, 0.125)).eval()
    images = torch.rand(2, 3, 64, 64)
    negatives = torch.rand(2, 3, 3, 64, 64)
    alone = place_loss(network, images, images, negatives, None)
    same = place_loss(network, images, images, negatives, lambda x, exposure: x)
    dark = place_loss(network, images, images, negatives, darken_by("gamma"))
    assert same.item() == pytest.approx(alone.item(), abs=1e-5)  # the image itself is at 0
    assert dark.item() > alone.item()


def test_training_finds_more_places_and_the_example_runs(tmp_path):
    torch.manual_seed(0)
    lights = {"train": 1.0, "query": 0.1, "database": 1.0}
    folder = make_pictures(tmp_path / "places", lights, kinds=4, each=4)
    config = NetworkConfig(width=0.25)
    save_checkpoint(tmp_path / "day.pt", create_network(config), config, {})
    given = [str(folder), "--checkpoint", str(tmp_path / "day.pt"), "--side", "64"]
    result = main([*given, "--steps", "15", "--lr", "1e-2", "--out", str(tmp_path / "places.pt")])
    assert set(result) == {"before", "after"}
    assert result["after"] > result["before"] + 3
    assert "backbone.stem.conv.weight" in torch.load(tmp_path / "places.pt", weights_only=True)


def test_too_few_places_are_refused():
    network = PlaceNetwork(ResNet(18, 0.125))
    images = torch.zeros(3, 64, 64, 3, dtype=torch.uint8)
    with pytest.raises(NightsegError, match="need places with two images"):
        train_places(network, images, torch.tensor([0, 1, 2]), None, steps=1)
    assert describe(network, images).shape == (3, network.backbone.widths[-1])
