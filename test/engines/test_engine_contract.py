# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every engine must do, whatever runs underneath."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from support import models as tiny

from nightseg_ros.engines.engine import check_outputs
from nightseg_ros.engines.kinds import KINDS
from nightseg_ros.engines.select import ENGINES, create_engine
from nightseg_ros.errors import NightsegError

IMAGE = np.random.default_rng(5).integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8)


def make(name, bundle):
    """Return an engine, or skip where it cannot run here."""
    if name == "openvino-int8":
        pytest.skip("it is built from images: export/test_to_openvino.py")
    if name in KINDS and (reason := KINDS[name].why_not()):
        pytest.skip(reason)
    return create_engine(bundle, name, allow_build=True)


@pytest.mark.parametrize("name", ENGINES)
def test_a_segmenter_gives_two_maps_of_its_input_size(name, tmp_path):
    engine = make(name, tiny.segmenter(tmp_path / "net"))
    outputs = engine.run(IMAGE)
    assert [(x.shape, x.dtype) for x in outputs] == [((tiny.HEIGHT, tiny.WIDTH), np.uint8)] * 2
    assert outputs[0].flags.writeable
    assert outputs[0].max() < 19
    assert engine.input_size == (tiny.HEIGHT, tiny.WIDTH)
    assert all([engine.info.backend, engine.info.provider, engine.info.device])


@pytest.mark.parametrize("name", ENGINES)
def test_a_translator_gives_one_brighter_image(name, tmp_path):
    engine = make(name, tiny.translator(tmp_path / "net"))
    (translated,) = engine.run(IMAGE)
    expected = np.minimum(IMAGE.astype(int) + tiny.BRIGHTER, 255)
    assert np.array_equal(translated, expected)


@pytest.mark.parametrize("name", ENGINES)
def test_the_same_image_gives_the_same_maps_and_stays_untouched(name, tmp_path):
    engine = make(name, tiny.segmenter(tmp_path / "net"))
    image = IMAGE.copy()
    first = engine.run(image)[0].copy()
    engine.run(255 - image)
    assert np.array_equal(engine.run(image)[0], first)
    assert np.array_equal(image, IMAGE)


@pytest.mark.parametrize("name", ENGINES)
def test_a_closed_engine_refuses_to_run(name, tmp_path):
    engine = make(name, tiny.segmenter(tmp_path / "net"))
    engine.close()
    engine.close()
    with pytest.raises(NightsegError, match="closed"):
        engine.run(IMAGE)


def of_floats() -> bytes:
    """Return the tiny network for an image of floats."""
    model = onnx.load_from_string(tiny.segmenter_onnx())
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return model.SerializeToString()


def without_image() -> bytes:
    """Return the tiny network with its image inside."""
    model = onnx.load_from_string(tiny.segmenter_onnx())
    del model.graph.input[0]
    model.graph.initializer.append(onnx.numpy_helper.from_array(IMAGE[None], "image"))
    return model.SerializeToString()


def failing_at_run_time() -> bytes:
    """Return the tiny network with a shape that follows from the image and does not fit it."""
    model = onnx.load_from_string(tiny.segmenter_onnx())
    (ids,) = (node for node in model.graph.node if node.op_type == "ArgMax")
    nodes = [
        onnx.helper.make_node("ReduceMax", ["float"], ["brightest"], keepdims=0),
        onnx.helper.make_node("Cast", ["brightest"], ["number"], to=onnx.TensorProto.INT64),
        onnx.helper.make_node("Unsqueeze", ["number", "axes"], ["sides"]),
        onnx.helper.make_node("ConstantOfShape", ["sides"], ["wrong"]),
        onnx.helper.make_node("Add", ["scores", "wrong"], ["again"]),
    ]
    at = list(model.graph.node).index(ids)
    for node in reversed(nodes):
        model.graph.node.insert(at, node)
    ids.input[0] = "again"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0]), "axes"))
    return model.SerializeToString()


@pytest.mark.parametrize("name", ["onnxruntime-cpu", "openvino", "auto"])
@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (of_floats, r"the network takes float(32)?, need uint8"),
        (without_image, r"the network takes \{\}, model\.yaml promises \{'image'"),
    ],
)
def test_a_network_of_another_input_is_one_clear_line(name, network, reason, tmp_path):
    bundle = tiny.segmenter(tmp_path / "net", onnx=network())
    with pytest.raises(NightsegError, match=reason) as caught:
        make(name, bundle)
    assert "\n" not in str(caught.value)


def test_a_network_that_fails_in_its_trial_run_is_one_clear_line(tmp_path):
    bundle = tiny.segmenter(tmp_path / "net", onnx=failing_at_run_time())
    reason = r"net: engine onnxruntime-cpu cannot run the network \(.*Add node.*\); export"
    with pytest.raises(NightsegError, match=reason) as caught:
        make("onnxruntime-cpu", bundle)  # OpenVINO runs it, whatever comes of it
    assert "\n" not in str(caught.value)


def test_outputs_are_held_against_the_promise_of_the_bundle(tmp_path):
    bundle = tiny.segmenter(tmp_path / "net")
    good = np.zeros((tiny.HEIGHT, tiny.WIDTH), np.uint8)
    ignored = np.full_like(good, 255)
    check_outputs(bundle, (good, good))
    check_outputs(bundle, (ignored, good))  # unlabelled everywhere is a legal mask
    with pytest.raises(NightsegError, match="has 1 outputs"):
        check_outputs(bundle, (good,))
    with pytest.raises(NightsegError, match=r"output 'mask' is uint8 \[64, 48\]"):
        check_outputs(bundle, (good.T, good))
    with pytest.raises(NightsegError, match="output 'confidence' is float32"):
        check_outputs(bundle, (good, good.astype(np.float32)))
    with pytest.raises(NightsegError, match=r"class id 19, but model\.yaml names only 19 classes"):
        check_outputs(bundle, (good + 19, good))
