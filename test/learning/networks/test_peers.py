# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The peers are the networks that they are called: their published sizes and costs."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.networks.peers import PEERS, create_peer  # noqa: E402
from nightseg_ros.learning.networks.peers.pspnet import resnet18  # noqa: E402


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


def test_lraspp_has_exactly_the_published_parameters():
    assert parameters(create_peer("lraspp_mobilenet_v3", classes=21)) == 3_221_538


def test_segformer_has_exactly_the_published_parameters():
    assert parameters(create_peer("segformer_b0", classes=150)) == 3_752_694


def test_deeplab_has_the_parameters_of_its_usual_form():
    network = create_peer("deeplabv3plus_mobilenet_v2")
    assert parameters(network) == 4_383_139
    trunk = parameters(network.early) + parameters(network.late)
    assert trunk == 2_223_872  # MobileNetV2 without its classifier
    assert parameters(network) == pytest.approx(4.4e6, rel=0.01)


def test_pspnet_has_the_parameters_of_its_usual_form():
    network = create_peer("pspnet_resnet18")
    assert parameters(resnet18(4)) == 11_176_512  # ResNet-18 without its classifier
    assert parameters(network) == 919_379
    never_run = parameters(resnet18(4)) - parameters(resnet18(2))
    assert parameters(network) + never_run == pytest.approx(11.4e6, rel=0.01)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("size", [(64, 96), (72, 120)])
def test_scores_come_at_a_fraction_and_at_the_input_size(name, size):
    network = create_peer(name, classes=5).eval()
    x = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        scores, full = network.logits(x), network(x)
    fraction = 8 if name in ("lraspp_mobilenet_v3", "pspnet_resnet18") else 4
    assert scores.shape == (2, 5, size[0] // fraction, size[1] // fraction)
    assert full.shape == (2, 5, *size)
    assert torch.isfinite(full).all()


@pytest.mark.parametrize(
    ("name", "gmac", "size", "classes"),
    [
        ("lraspp_mobilenet_v3", 0.98, (272, 480), 19),
        ("pspnet_resnet18", 3.03, (272, 480), 19),
        ("deeplabv3plus_mobilenet_v2", 2.99, (272, 480), 19),
        ("segformer_b0", 8.4, (512, 512), 150),  # as in its paper
    ],
)
def test_they_cost_what_is_published(name, gmac, size, classes):
    network = create_peer(name, classes).eval().to("meta")
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network.logits(torch.empty(1, 3, *size, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmac, rel=0.01)


def test_an_unknown_peer_is_named():
    with pytest.raises(NightsegError, match="'segnet' is unknown; there are lraspp_mobilenet_v3"):
        create_peer("segnet")
