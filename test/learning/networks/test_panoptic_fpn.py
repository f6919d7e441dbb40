# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Panoptic FPN and its ResNets: sizes as published, weights from a file, every level counts."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.panoptic_fpn import PanopticFpn  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network  # noqa: E402
from nightseg_ros.learning.networks.resnet import ResNet, load_trunk  # noqa: E402


@pytest.mark.parametrize(
    ("depth", "millions", "widths"),
    [  # published sizes, less the classifier's 1000 x (width + 1)
        (18, 11.689512 - 0.513, (64, 128, 256, 512)),
        (50, 25.557032 - 2.049, (256, 512, 1024, 2048)),
        (101, 44.549160 - 2.049, (256, 512, 1024, 2048)),
    ],
)
def test_the_trunks_have_the_published_sizes(depth, millions, widths):
    with torch.device("meta"):
        trunk = ResNet(depth)
    assert sum(p.numel() for p in trunk.parameters()) / 1e6 == pytest.approx(millions, abs=1e-6)
    assert trunk.widths == widths
    names = trunk.state_dict()
    assert {"conv1.weight", "layer1.0.conv1.weight", "layer2.0.downsample.1.running_var"} <= set(
        names
    )


def small(**changes) -> PanopticFpn:
    torch.manual_seed(0)
    return PanopticFpn(depth=18, width=0.25, **changes).eval()


def test_scores_are_a_quarter_and_see_every_level():
    network = small(classes=5)
    x = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        scores = network.logits(x)
        assert scores.shape == (1, 5, 16, 24)
        for level in network.laterals:
            level.weight.mul_(1.5)
            changed = network.logits(x)
            assert not torch.allclose(changed, scores, atol=1e-4)
            scores = changed


def test_the_gradient_reaches_every_weight():
    network = small().train()
    network(torch.rand(2, 3, 64, 64)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_weights_come_from_a_file_without_the_classifier(tmp_path):
    torch.manual_seed(5)
    given = ResNet(18, 0.25)
    state = {**given.state_dict(), "fc.weight": torch.zeros(9, 9), "fc.bias": torch.zeros(9)}
    path = tmp_path / "resnet.pth"
    torch.save(state, path)
    config = NetworkConfig(name="panoptic_fpn18", width=0.25, weights=str(path))
    network = create_network(config)
    assert torch.equal(network.trunk.layer3[0].conv1.weight, given.layer3[0].conv1.weight)
    fresh = create_network(config, fresh=True)
    assert not torch.equal(fresh.trunk.layer3[0].conv1.weight, given.layer3[0].conv1.weight)


def test_wrong_files_are_named(tmp_path):
    trunk = ResNet(18, 0.25)
    with pytest.raises(NightsegError, match=r"no file of weights .*gone\.pth"):
        load_trunk(trunk, tmp_path / "gone.pth")
    path = tmp_path / "other.pth"
    torch.save(ResNet(18, 0.5).state_dict(), path)
    with pytest.raises(NightsegError, match="weights of another network"):
        load_trunk(trunk, path)
    path.write_bytes(b"junk")
    with pytest.raises(NightsegError, match="holds no weights"):
        load_trunk(trunk, path)
    with pytest.raises(NightsegError, match="34 layers"):
        ResNet(34)
