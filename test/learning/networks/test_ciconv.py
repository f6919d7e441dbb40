# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The colour invariant W against its formula, written out pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.ciconv import BehindInvariant, ColourInvariantW  # noqa: E402
from nightseg_ros.learning.networks.erf_pspnet import ErfPspNet  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    load_start,
    save_checkpoint,
)
from nightseg_ros.learning.stages import Stages  # noqa: E402


def image(seed: int = 0, size: tuple[int, int] = (20, 28)) -> torch.Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(seed)) * 0.9 + 0.05


def literal_w(rgb: np.ndarray, scale: float) -> np.ndarray:
    """W of one image (3, H, W) as the paper gives it, with square filters and plain loops."""
    sigma = 2.0**scale
    reach = math.ceil(3 * sigma + 0.5)
    side = range(-reach, reach + 1)
    gauss = np.array([[math.exp(-(x * x + y * y) / (2 * sigma**2)) for x in side] for y in side])
    by_x = np.array([[-x * gauss[y + reach, x + reach] for x in side] for y in side])
    filters = {"": gauss / gauss.sum(), "x": by_x / abs(by_x).sum()}
    filters["y"] = filters["x"].T
    matrix = ((0.06, 0.63, 0.27), (0.3, 0.04, -0.35), (0.34, -0.6, 0.17))
    height, width = rgb.shape[1:]
    padded = np.pad(np.einsum("ij,jhw->ihw", matrix, rgb), ((0, 0), (reach, reach), (reach, reach)))
    found = {}
    for name, filter in filters.items():
        out = np.zeros((3, height, width))
        for i in range(height):
            for j in range(width):
                window = padded[:, i : i + 2 * reach + 1, j : j + 2 * reach + 1]
                out[:, i, j] = (window * filter).sum((1, 2))
        found[name] = out
    intensity = found[""][0] + 1e-5
    w = sum((found[axis][k] / intensity) ** 2 for axis in "xy" for k in range(3))
    logarithm = np.log(w + 1e-5)
    return (logarithm - logarithm.mean()) / np.sqrt(logarithm.var() + 1e-5)


@pytest.mark.parametrize("scale", [0.0, -1.0, 0.7])
def test_w_is_what_the_formula_gives(scale):
    x = image()
    layer = ColourInvariantW(scale).double()
    found = layer(x.double())
    assert found.shape == (1, 1, 20, 28)
    expected = literal_w(x[0].double().numpy(), float(layer.scale.detach()))
    assert found[0, 0].detach().numpy() == pytest.approx(
        expected, abs=1e-6
    )  # constants are float32


def test_dimmer_light_changes_next_to_nothing_but_another_surface_does():
    x = image(size=(64, 96))
    layer = ColourInvariantW()
    with torch.no_grad():
        bright, dim, other = layer(x), layer(x * 0.2), layer(image(1, (64, 96)))
    assert float((bright - dim).abs().mean()) < 0.01
    assert float((bright - other).abs().mean()) > 0.5


def test_the_scale_is_learned_and_stays_within_its_limits():
    layer = ColourInvariantW()
    (layer(image(size=(64, 96))) * image(1, (64, 96))[:, :1]).sum().backward()
    assert float(layer.scale.grad.abs()) > 0
    with torch.no_grad():
        layer.scale.fill_(9.0)
    smooth, slope = layer.filters()
    assert len(smooth) == 2 * math.ceil(3 * 2**2.5 + 0.5) + 1
    assert float(smooth.sum()) == pytest.approx(1, abs=1e-5)
    slope.square().sum().backward()
    assert float(layer.scale.grad.abs()) > 0  # it can come back


def test_half_precision_does_not_reach_the_quotients():
    layer, x = ColourInvariantW(), image(size=(64, 96)) * 0.02
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        found = layer(x.bfloat16())
    assert found.dtype == torch.float32
    with torch.no_grad():
        assert torch.allclose(found, layer(x.bfloat16().float()), atol=1e-5)


def test_any_network_behind_it_comes_back_from_its_checkpoint(tmp_path):
    config = NetworkConfig(width=0.25, ciconv=True)
    network = create_network(config).eval()
    assert isinstance(network, BehindInvariant)
    with torch.no_grad():
        network.invariant.scale.fill_(0.4)
    network.eval()
    save_checkpoint(tmp_path / "model.pt", network, config, {})
    again, described, _ = load_checkpoint(tmp_path / "model.pt")
    assert described.ciconv
    x = image(size=(64, 96))
    with torch.inference_mode():
        assert torch.equal(again(x), network(x))
        assert again(x).shape == (1, 19, 64, 96)
        features, _ = Stages(network).run(x)
    assert len(features) == 4


def test_it_can_start_from_the_weights_of_the_bare_network(tmp_path):
    bare = ErfPspNet(width=0.25)
    save_checkpoint(tmp_path / "day.pt", bare, NetworkConfig(width=0.25), {})
    config = NetworkConfig(width=0.25, ciconv=True)
    network = create_network(config)
    load_start(network, tmp_path / "day.pt", config)
    for name, value in bare.state_dict().items():
        assert torch.equal(network.state_dict()[f"network.{name}"], value), name
    again = create_network(NetworkConfig(width=0.25))
    load_start(again, tmp_path / "day.pt", NetworkConfig(width=0.25))
    assert torch.equal(again.head[-1].weight, bare.head[-1].weight)


@pytest.mark.slow
def test_it_is_exported_as_it_is():
    pytest.importorskip("onnxruntime", reason="checks the graph")
    pytest.importorskip("onnxscript", reason="writes the graph")
    import onnx

    from nightseg_ros.export.operators import tensorrt_versions
    from nightseg_ros.export.to_onnx import segmentation_onnx

    network = create_network(NetworkConfig(width=0.25, ciconv=True))
    with torch.no_grad():
        network.invariant.scale.fill_(0.3)
    data = segmentation_onnx(network, (64, 96))  # compares the graph with the network itself
    assert tensorrt_versions(onnx.load_from_string(data)) == ["8.6", "10", "11"]
