# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""DeepLabV3+: sizes, reach, outputs, and that every weight is in use."""

from __future__ import annotations

import copy
from functools import partial

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks import families  # noqa: E402
from nightseg_ros.learning.networks.deeplab_v3plus import DeepLabV3Plus, keep_size  # noqa: E402
from nightseg_ros.learning.networks.discriminators import OutputDiscriminator  # noqa: E402
from nightseg_ros.learning.networks.mobilenet import MobileNetV2  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.networks.resnet import ResNet  # noqa: E402
from nightseg_ros.learning.stages import Stages  # noqa: E402

NAMES = [name for name in families() if name.startswith("deeplab_v3plus")]


@pytest.mark.parametrize("name", NAMES)
def test_scores_stages_and_gradients(name):
    config = NetworkConfig(name, width=0.125, classes=7, auxiliary=True)
    network = create_network(config).train()
    image = torch.rand(2, 3, 64, 96)
    main, auxiliary = network.outputs(image)
    assert main.shape == (2, 7, 16, 24)
    assert auxiliary.shape == (2, 7, 4, 6)
    assert network(image).shape == (2, 7, 64, 96)
    (main.square().mean() + auxiliary.square().mean()).backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not idle
    features, _ = Stages(network.eval()).run(image[:1])
    assert [tuple(f.shape[2:]) for f in features] == [(16, 24), (8, 12), (4, 6), (4, 6)]


def test_without_a_second_output_there_is_one():
    network = create_network(NetworkConfig("deeplab_v3plus18", width=0.125)).eval()
    image = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        assert len(network.outputs(image)) == 1
        assert torch.equal(network.outputs(image)[0], network.logits(image))
    plain = create_network(NetworkConfig("erf_pspnet", width=0.25)).eval()
    assert len(plain.outputs(torch.rand(1, 3, 32, 48))) == 1


@pytest.mark.parametrize(
    "trunk", [partial(ResNet, 18), partial(ResNet, 50), MobileNetV2], ids=["18", "50", "mobilenet"]
)
def test_a_layer_that_keeps_its_size_is_the_strided_one_between_its_places(trunk):
    torch.manual_seed(0)
    strided = trunk(width=0.25).layer4.eval()
    for norm in strided.modules():  # as in trained weights, no norm is the identity
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
    dilated = copy.deepcopy(strided)
    keep_size(dilated)
    inside = next(c for c in strided.modules() if isinstance(c, torch.nn.Conv2d)).in_channels
    features = torch.randn(1, inside, 12, 18)
    with torch.no_grad():
        wanted, found = strided(features), dilated(features)
    assert found.shape[-2:] == (12, 18)
    torch.testing.assert_close(found[..., ::2, ::2], wanted)


def test_one_image_is_batch_enough():
    create_network(NetworkConfig("deeplab_v3plus18", width=0.125)).train()(torch.rand(1, 3, 64, 64))


def test_the_trunk_is_that_of_imagenet_files(tmp_path):
    torch.manual_seed(0)
    source = ResNet(18, 0.125)
    torch.save({**source.state_dict(), "fc.weight": torch.zeros(2, 2)}, tmp_path / "imagenet.pt")
    network = DeepLabV3Plus(5, 18, 0.125, str(tmp_path / "imagenet.pt"))
    for name, value in source.state_dict().items():
        assert torch.equal(network.trunk.state_dict()[name], value)


def test_the_published_sizes():
    # torchvision's mobilenet_v2 has 3,504,872 parameters, of which its last convolution (320 to
    # 1280 with its norm) and its classifier are left out here.
    left_out = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    with torch.device("meta"):  # counted, not filled
        trunk, network = MobileNetV2(), DeepLabV3Plus(19, 101)
    count = sum(p.numel() for p in trunk.parameters())
    assert count == 3_504_872 - left_out
    # Of a ResNet-101: 44,549,160 without its classifier of 2048 x 1000 + 1000.
    assert sum(p.numel() for p in network.trunk.parameters()) == 44_549_160 - 2_049_000


def test_checkpoints_know_of_the_second_output(tmp_path):
    config = NetworkConfig("deeplab_v3plus_mobilenet", width=0.25, auxiliary=True)
    network = create_network(config).eval()
    save_checkpoint(tmp_path / "model.pt", network, config, {})
    loaded, described, _ = load_checkpoint(tmp_path / "model.pt")
    assert described.auxiliary
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        for ours, theirs in zip(network.outputs(image), loaded.outputs(image), strict=True):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("size", "out"), [((64, 96), (2, 3)), ((128, 224), (4, 7))])
def test_discriminators_judge_every_part_of_a_map(size, out):
    judge = OutputDiscriminator(19, 4)
    assert judge(torch.rand(2, 19, *size)).shape == (2, 1, *out)
    kinds = {type(layer).__name__ for layer in judge.layers}
    assert kinds == {"Conv2d", "LeakyReLU"}
    full = OutputDiscriminator(19)
    assert [c.out_channels for c in full.layers if hasattr(c, "stride")] == [64, 128, 256, 512, 1]
