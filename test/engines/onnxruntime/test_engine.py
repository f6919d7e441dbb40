# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network gives the pixels numpy expects, and what it really runs on is logged."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto
from support.models import (
    HEIGHT,
    WIDTH,
    expected_mask,
    segmenter,
    segmenter_onnx,
    translator_onnx,
)

from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine, why_no_provider
from nightseg_ros.engines.onnxruntime.providers import CPU, CUDA, PROVIDERS
from nightseg_ros.engines.select import create_engine
from nightseg_ros.engines.tensorrt.cuda_driver import why_no_gpu
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import label_set

IMAGE = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize("options", [{}, {"threads": 1}, {"spinning": False}], ids=str)
def test_every_pixel_is_the_one_that_numpy_computes(options, tmp_path):
    engine = OnnxRuntimeEngine(segmenter(tmp_path / "net", seed=3), **options)
    mask, confidence = engine.run(IMAGE)
    assert np.array_equal(mask, expected_mask(IMAGE, seed=3))
    assert np.array_equal(confidence, IMAGE[..., 1])


def test_threads_and_spinning_reach_the_session(tmp_path, monkeypatch):
    seen = []
    real = ort.InferenceSession

    def session(data, options, **rest):
        seen.append(options)
        return real(data, options, **rest)

    monkeypatch.setattr(ort, "InferenceSession", session)
    OnnxRuntimeEngine(segmenter(tmp_path / "net"), threads=3, spinning=False)
    (options,) = seen
    assert options.intra_op_num_threads == 3
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_the_cpu_that_was_asked_for_is_no_fallback(tmp_path):
    info = create_engine(segmenter(tmp_path / "net"), "onnxruntime-cpu").info
    assert (info.backend, info.provider, info.device) == ("onnxruntime", CPU, "cpu")
    assert info.fallback_reason == ""


@pytest.mark.gpu
@pytest.mark.skipif(bool(why_no_gpu()), reason=why_no_gpu() or "there is a GPU")
@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "onnxruntime-cpu"])
def test_the_gpu_gives_the_same_mask(name, tmp_path):
    if reason := why_no_provider(PROVIDERS[name]):
        pytest.skip(reason)
    engine = create_engine(segmenter(tmp_path / "net"), name, allow_build=True)
    assert (engine.info.provider, engine.info.fallback_reason) == (PROVIDERS[name], "")
    for _ in range(3):  # the later ones replay the CUDA graph
        assert np.array_equal(engine.run(IMAGE)[0], expected_mask(IMAGE))
        assert np.array_equal(engine.run(255 - IMAGE)[0], expected_mask(255 - IMAGE))


@pytest.mark.skipif(CUDA in ort.get_available_providers(), reason="this build may get a GPU")
def test_a_provider_that_this_build_lacks_is_an_error_with_the_remedy(tmp_path):
    with pytest.raises(NightsegError, match=f"has no {CUDA}; pip uninstall onnxruntime, then"):
        OnnxRuntimeEngine(segmenter(tmp_path / "net"), provider=CUDA)


def test_a_network_for_any_batch_takes_one_image(tmp_path):
    model = onnx.load_from_string(segmenter_onnx())
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    bundle = segmenter(tmp_path / "net", onnx=model.SerializeToString())
    assert np.array_equal(create_engine(bundle).run(IMAGE)[0], expected_mask(IMAGE))


def test_garbage_with_the_right_hash_is_one_clear_line(tmp_path):
    bundle = segmenter(tmp_path / "net", onnx=b"garbage")
    with pytest.raises(NightsegError, match=r"ONNX Runtime .* cannot load .*model\.onnx") as caught:
        create_engine(bundle)
    assert "\n" not in str(caught.value)


def test_a_network_changed_after_loading_is_refused(tmp_path):
    bundle = segmenter(tmp_path / "net")
    bundle.onnx_path.write_bytes(segmenter_onnx(seed=9))
    with pytest.raises(NightsegError, match="sha256"):
        create_engine(bundle)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (segmenter_onnx(height=32), "the network takes"),
        (translator_onnx(), "the network lacks output confidence, mask"),
        (segmenter_onnx(mask_type=TensorProto.INT32), "output 'mask' is int32"),
        (segmenter_onnx(metadata={"nightseg_classes": "11"}), "the network has 11 classes"),
    ],
    ids=["input size", "outputs", "output type", "class count in the metadata"],
)
def test_a_network_unlike_its_description_is_refused(network, reason, tmp_path):
    with pytest.raises(NightsegError, match=reason):
        create_engine(segmenter(tmp_path / "net", onnx=network))


def test_class_ids_beyond_the_labels_are_found_by_the_warm_up(tmp_path):
    network = segmenter_onnx(classes=19, seed=0)
    bundle = segmenter(tmp_path / "net", onnx=network, labels=label_set("joint11"))
    with pytest.raises(NightsegError, match=r"names only 11 classes"):
        create_engine(bundle)


def test_the_precision_is_what_the_export_wrote(tmp_path):
    network = segmenter_onnx(metadata={"nightseg_precision": "int8"})
    assert create_engine(segmenter(tmp_path / "net", onnx=network)).info.precision == "int8"
