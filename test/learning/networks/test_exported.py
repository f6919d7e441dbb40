# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model folder gives its weights back."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from support.models import segmenter_onnx  # noqa: E402
from torch import nn  # noqa: E402

from nightseg_ros.bundles.write import write_bundle  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.to_onnx import segmentation_onnx  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.learning.config import as_plain  # noqa: E402
from nightseg_ros.learning.methods.segmentation.config import TrainConfig  # noqa: E402
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.exported import recentre_norms  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, load_checkpoint  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402

ERF = NetworkConfig(name="erf_pspnet", width=0.25)


def trained(config: NetworkConfig) -> nn.Module:
    """A network whose norms hold statistics, as after a training."""
    torch.manual_seed(0)
    network = create_network(config, fresh=True)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
    return network.eval()


def folder_of(path: Path, onnx: bytes, network: object) -> Path:
    facts = {"kind": "segmentation", "route": "day", "height": 64, "width": 96}
    training = {"network": network} if network else {}
    write_bundle(path, onnx, name=path.name, labels=CITYSCAPES19, training=training, **facts)
    return path


@pytest.mark.parametrize("config", [ERF, NetworkConfig(name="efficientnet_fpn0")])
def test_a_model_folder_is_read_as_a_checkpoint(tmp_path, config):
    if config.name != "erf_pspnet":
        pytest.importorskip("efficientnet_lite_pytorch")
    network = trained(config)
    onnx = segmentation_onnx(network, (64, 96))
    again, described, about = load_checkpoint(folder_of(tmp_path / "m", onnx, as_plain(config)))
    assert described.name == config.name
    assert about["model"] == "m"
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(again.logits(x), network.logits(x), rtol=1e-3, atol=1e-3)


def test_recentred_norms_compute_the_same_and_normalise_as_a_training_does():
    network = trained(ERF)
    x = torch.rand(4, 3, 64, 96)
    with torch.no_grad():
        before = network.logits(x)
        recentre_norms(network, x)
        torch.testing.assert_close(network.logits(x), before, rtol=1e-3, atol=1e-3)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train()
        torch.testing.assert_close(network.logits(x), before, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (as_plain(NetworkConfig(name="erf_pspnet", width=0.5)), "has a convolution of shape"),
        (as_plain(NetworkConfig(name="panoptic_fpn18")), "has a convolution of shape"),
        (None, "names no network of nightseg"),
    ],
)
def test_a_graph_of_another_network_is_refused(tmp_path, network, words):
    folder = folder_of(tmp_path / "m", segmentation_onnx(trained(ERF), (64, 96)), network)
    with pytest.raises(NightsegError, match=words):
        load_checkpoint(folder)


def test_a_graph_with_more_convolutions_than_the_network_is_refused(tmp_path):
    onnx = segmenter_onnx()
    with pytest.raises(NightsegError, match="has a convolution of shape"):
        load_checkpoint(folder_of(tmp_path / "m", onnx, as_plain(ERF)))


def test_a_training_starts_from_a_model_folder(tmp_path):
    network = trained(ERF)
    folder = folder_of(tmp_path / "m", segmentation_onnx(network, (64, 96)), as_plain(ERF))
    images = torch.randint(0, 256, (4, 64, 96, 3), dtype=torch.uint8)
    frames = TensorSet(images, images[..., 0] % 19, torch.ones(4), torch.zeros(4, dtype=torch.bool))
    sources = (SourceConfig("folder:unread"),)
    config = TrainConfig("x", sources, (), network=ERF, init=str(folder), view=(64, 96))
    module = SegmentationModule(config, frames, {})
    x = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = network.logits(x)
        for started in (module.network.eval(), module.average):
            torch.testing.assert_close(started.logits(x), expected, rtol=1e-3, atol=1e-3)
    # Its norms have the statistics of the training's views.
    assert float((module.network.encoder.stem.bn.running_var - 1).abs().max()) > 0.1
