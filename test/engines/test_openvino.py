# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO computes the pixels numpy expects, in the precision that it reports."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import pytest
from support.models import (
    HEIGHT,
    WIDTH,
    expected_mask,
    segmenter,
    segmenter_onnx,
    translator,
    translator_onnx,
)

ov = pytest.importorskip("openvino", reason="openvino is not installed: pip install '.[openvino]'")

from nightseg_ros.engines import openvino as openvino_engine  # noqa: E402
from nightseg_ros.engines.cache.built import NeverBuiltError  # noqa: E402
from nightseg_ros.engines.cache.store import EngineCache  # noqa: E402
from nightseg_ros.engines.openvino import IR_FILE, OpenVinoEngine, int8_key  # noqa: E402
from nightseg_ros.engines.select import create_engine  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402

IMAGE = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def compiled(engine):
    return engine._request.get_compiled_model()


@pytest.mark.parametrize("threads", [0, 1])
def test_every_pixel_is_the_one_that_numpy_computes(threads, tmp_path):
    engine = OpenVinoEngine(segmenter(tmp_path / "net", seed=3), threads=threads)
    for image in (IMAGE, 255 - IMAGE):
        mask, confidence = engine.run(image)
        assert np.array_equal(mask, expected_mask(image, seed=3))
        assert np.array_equal(confidence, image[..., 1])


def test_it_computes_in_floats_of_32_bits_where_the_processor_has_16(tmp_path):
    engine = OpenVinoEngine(segmenter(tmp_path / "net"), threads=1)
    assert compiled(engine).get_property("INFERENCE_PRECISION_HINT") == ov.Type.f32
    assert compiled(engine).get_property("INFERENCE_NUM_THREADS") == 1
    assert not compiled(engine).get_property("ENABLE_CPU_PINNING")
    info = engine.info
    assert (info.backend, info.provider, info.precision) == ("openvino", "CPU", "fp32")


def test_a_network_for_any_batch_takes_one_image(tmp_path):
    model = onnx.load_from_string(segmenter_onnx(metadata={"nightseg_precision": "fp16"}))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    engine = OpenVinoEngine(segmenter(tmp_path / "net", onnx=model.SerializeToString()))
    assert np.array_equal(engine.run(IMAGE)[0], expected_mask(IMAGE))
    assert engine.info.precision == "fp16"


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (b"garbage", r"OpenVINO 2.* cannot read .*model\.onnx .*; export the bundle again"),
        (segmenter_onnx()[:400], r"cannot read .*model\.onnx"),
        (segmenter_onnx(height=32), "the network takes"),
        (translator_onnx(), "the network lacks output confidence, mask"),
        (segmenter_onnx(metadata={"nightseg_classes": "11"}), "the network has 11 classes"),
        (segmenter_onnx(mask_type=onnx.TensorProto.INT32), "output 'mask' is int32"),
    ],
    ids=["garbage", "truncated", "input size", "outputs", "class count", "output type"],
)
def test_a_network_unlike_its_description_is_one_clear_line(network, reason, tmp_path):
    with pytest.raises(NightsegError, match=reason) as caught:
        create_engine(segmenter(tmp_path / "net", onnx=network), "openvino")
    assert "\n" not in str(caught.value)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path / "cache"))
    return EngineCache()


def built(cache, bundle):
    """Put the network itself into the cache, as if it were its int8 version."""

    def build(folder):
        ov.save_model(openvino_engine.read_model(bundle), folder / IR_FILE, compress_to_fp16=False)
        return {"parity": {"equal_share": 1.0}}

    return cache.build(int8_key(bundle), build)


def test_int8_comes_from_the_cache(cache, tmp_path):
    bundle = translator(tmp_path / "net")
    with pytest.raises(NeverBuiltError, match=r"build-engine .*net --engine openvino-int8 --cal"):
        create_engine(bundle, "openvino-int8")
    assert create_engine(bundle).info.backend == "onnxruntime"
    built(cache, bundle)
    for name in ("openvino-int8", "auto"):
        engine = create_engine(bundle, name)
        assert (engine.info.backend, engine.info.precision) == ("openvino", "int8")
        assert engine.info.fallback_reason == ""
        assert np.array_equal(engine.run(IMAGE)[0], np.minimum(IMAGE.astype(int) + 64, 255))


def test_a_truncated_or_stale_version_is_reported_and_not_run(cache, tmp_path, monkeypatch):
    bundle = segmenter(tmp_path / "net")
    file = built(cache, bundle).path / IR_FILE
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(NightsegError, match=r"corrupt .*build it with `nightseg build-engine"):
        create_engine(bundle, "openvino-int8")
    info = create_engine(bundle).info
    assert info.backend == "onnxruntime"
    assert "corrupt" in info.fallback_reason

    built(cache, bundle)
    monkeypatch.setattr(openvino_engine.metadata, "version", lambda name: "2031.1.0")
    with pytest.raises(NightsegError, match=r"stale: .*here is 2031\.1\.0"):
        create_engine(bundle, "openvino-int8")


def test_a_broken_installation_is_one_clear_line(tmp_path, monkeypatch):
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text("raise OSError('libopenvino.so: no\\nfile')")
    for name in [name for name in sys.modules if name.split(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(NightsegError, match=r"OpenVINO cannot be loaded \(file\); pip install"):
        create_engine(segmenter(tmp_path / "net"), "openvino")


def test_the_processor_is_named(tmp_path):
    assert openvino_engine.cpu_name()
    assert int8_key(segmenter(tmp_path / "net")).device == openvino_engine.cpu_name()
