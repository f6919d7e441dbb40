# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Stages give the features of every network, and leave the network as it was."""

from __future__ import annotations

import copy
from contextlib import closing

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network  # noqa: E402
from nightseg_ros.learning.networks.resnet import ResNet  # noqa: E402
from nightseg_ros.learning.stages import Stages  # noqa: E402

IMAGE = torch.linspace(0, 1, 3 * 64 * 96).view(1, 3, 64, 96)
SIZES = {
    "erf_pspnet": (2, 4, 8, 8),
    "panoptic_fpn18": (4, 8, 16, 32),
    "efficientnet_fpn0": (4, 8, 16, 32),
}


@pytest.mark.parametrize("name", SIZES)
def test_every_network_has_four_stages(name):
    if name.startswith("efficientnet"):
        pytest.importorskip("efficientnet_lite_pytorch", reason="comes with the extra train")
    sizes = {} if name.startswith("efficientnet") else {"width": 0.25}
    network = create_network(NetworkConfig(name, **sizes), fresh=True).eval()
    with closing(Stages(network)) as stages:
        features, scores = stages.run(IMAGE)
        channels = stages.channels(IMAGE)
    assert tuple(64 // feature.shape[2] for feature in features) == SIZES[name]
    assert tuple(feature.shape[1] for feature in features) == channels
    assert torch.equal(scores, network.logits(IMAGE))


def test_features_alone_leave_out_what_comes_after_them():
    network = create_network(NetworkConfig(width=0.25)).eval()
    stages = Stages(network)
    features, _ = stages.run(IMAGE)
    network.head = None  # would fail if it were run
    alone = stages.features(IMAGE)
    assert all(torch.equal(a, b) for a, b in zip(alone, features, strict=True))
    with pytest.raises(TypeError):
        stages.run(IMAGE)


def test_a_network_without_logits_gives_what_it_returns():
    network = ResNet(18, 0.125).eval()
    features, output = Stages(network).run(IMAGE)
    assert all(torch.equal(a, b) for a, b in zip(features, output, strict=True))


def test_gradients_flow_through_the_features():
    network = create_network(NetworkConfig(width=0.25)).eval()
    image = IMAGE.clone().requires_grad_(True)
    torch.stack([f.mean() for f in Stages(network).run(image)[0]]).sum().backward()
    assert float(image.grad.abs().sum()) > 0


def test_the_network_stays_as_it_was():
    network = create_network(NetworkConfig(width=0.25)).train()
    network.pyramid.eval()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    stages = Stages(network)
    stages.channels(IMAGE)
    assert network.training
    assert not network.pyramid.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    network.logits(torch.cat([IMAGE, IMAGE]))
    assert not stages._features  # a run that is not ours keeps no graph alive
    stages.close()
    assert not any(module._forward_hooks for module in network.modules())
    with pytest.raises(NightsegError, match="closed"):
        stages.run(IMAGE)


def test_a_copy_of_the_network_does_not_write_into_ours():
    network = create_network(NetworkConfig(width=0.25)).eval()
    stages = Stages(network)
    twin = copy.deepcopy(network)
    twin.encoder.stem.bn.bias.data += 1
    mine = stages.run(IMAGE)[0][0]
    assert not torch.equal(Stages(twin).run(IMAGE)[0][0], mine)
    assert torch.equal(stages.run(IMAGE)[0][0], mine)


def test_wrong_names_are_refused():
    network = create_network(NetworkConfig(width=0.25)).eval()
    with pytest.raises(NightsegError, match=r"did you mean 'encoder\.stage2'"):
        Stages(network, ["encoder.stage_2"])
    with pytest.raises(NightsegError, match="Linear names no stages"):
        Stages(torch.nn.Linear(1, 1))
    network.spare = torch.nn.Identity()
    with pytest.raises(NightsegError, match="did not use its stage 'spare'"):
        Stages(network, ["spare"]).run(IMAGE)
