# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="export needs the extra train")
onnx = pytest.importorskip("onnx", reason="export needs the extra train")

from support.verbs import parsed  # noqa: E402

from nightseg_ros.bundles.bundle import Bundle  # noqa: E402
from nightseg_ros.cli import export as export_verb  # noqa: E402
from nightseg_ros.engines.select import create_engine  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx  # noqa: E402
from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.create_generator import create_generator  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.translate import save_generator  # noqa: E402

pytestmark = pytest.mark.slow


def parse(*words: str) -> export_verb.Options:
    return parsed("export", *words)


def test_an_exported_network_gives_the_networks_own_mask(tmp_path):
    torch.manual_seed(0)
    config = NetworkConfig(width=0.25)
    network = create_network(config).eval()
    save_checkpoint(tmp_path / "model.pt", network, config, {"step": 3})
    result = export_verb.run(
        parse(
            str(tmp_path / "model.pt"), "--out", str(tmp_path / "small_day"), "--route", "day",
            "--size", "120x72", "--frames-count", "2", "--batch", "dynamic",
        )
    )  # fmt: skip
    assert "route day" in export_verb.render(result)
    bundle = Bundle.load(tmp_path / "small_day")
    assert (bundle.width, bundle.height, bundle.training["step"]) == (120, 72, 3)
    assert bundle.metrics["parity"]["equal_share"] > 0.999
    onnx_input = onnx.load(bundle.onnx_path).graph.input[0].type.tensor_type.shape
    assert onnx_input.dim[0].dim_param == "batch"
    engine = create_engine(bundle, "onnxruntime")
    image = np.random.default_rng(0).integers(0, 256, (72, 120, 3), np.uint8)
    mask, confidence = engine.run(image)
    with torch.inference_mode():
        scores = network(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)
    assert (mask == scores.argmax(1)[0].numpy()).mean() > 0.999
    assert confidence.shape == (72, 120)
    assert 255 / 19 <= confidence.mean() <= 255
    engine.close()


@pytest.mark.parametrize("kind", ["light", "resnet"])
def test_a_translator_exports(tmp_path, kind):
    config = TranslateConfig("t", ("a",), ("b",), generator=kind, filters=4, blocks=1)
    torch.manual_seed(0)
    generator = create_generator(kind, 4, 1)
    save_generator(tmp_path / "night2day.pt", generator, config)
    result = export_verb.run(
        parse(
            str(tmp_path / "night2day.pt"), "--out", str(tmp_path / "n2d"), "--size", "64x48",
            "--frames-count", "2",
        )
    )  # fmt: skip
    assert result["route"] == "translate"
    assert result["parity"]["equal_share"] > 0.999
    assert result["tensorrt"] == ["8.6", "10", "11"]
    engine = create_engine(Bundle.load(tmp_path / "n2d"), "onnxruntime")
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    (translated,) = engine.run(image)
    assert translated.shape == image.shape
    if kind == "light":  # untrained, it is the identity
        assert np.abs(translated.astype(int) - image).max() <= 1
    engine.close()


def test_a_size_the_network_cannot_take_is_refused():
    with pytest.raises(NightsegError, match=r"480x270.*multiples of 8"):
        segmentation_onnx(create_network(NetworkConfig(width=0.25)), (270, 480))
    with pytest.raises(NightsegError, match="multiples of 4"):
        translation_onnx(create_generator("light", 4, 1), (271, 480))


def test_a_segmentation_model_needs_its_route(tmp_path):
    config = NetworkConfig(width=0.25)
    save_checkpoint(tmp_path / "model.pt", create_network(config), config, {})
    with pytest.raises(NightsegError, match="give --route"):
        export_verb.run(parse(str(tmp_path / "model.pt"), "--out", str(tmp_path / "x")))
    assert not (tmp_path / "x").exists()


def test_what_is_no_fitting_checkpoint_is_refused(tmp_path):
    small, large = NetworkConfig(width=0.25), NetworkConfig(width=0.5)
    save_checkpoint(tmp_path / "other.pt", create_network(small), large, {})
    state = {"network": {"name": "unet"}, "state": {}, "about": {}}
    torch.save(state, tmp_path / "unknown.pt")
    (tmp_path / "model.onnx").write_bytes(b"no checkpoint")
    good = tmp_path / "good.pt"
    save_checkpoint(good, create_network(small), small, {})
    wrong = {
        "weights of another network": ["other.pt", "--route", "day"],
        "network.name is 'unet'": ["unknown.pt", "--route", "day"],
        "is no checkpoint of nightseg": ["model.onnx", "--route", "day"],
        "there is no checkpoint": ["missing.pt", "--route", "day"],
        "both sides must be multiples of 8": ["good.pt", "--route", "day", "--size", "480x270"],
        "both sides must be 8 to 8192": ["good.pt", "--route", "day", "--size", "16384x272"],
    }
    for message, (name, *words) in wrong.items():
        with pytest.raises(NightsegError, match=message):
            export_verb.run(parse(str(tmp_path / name), "--out", str(tmp_path / "x"), *words))
    assert not (tmp_path / "x").exists()
