# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""int8: which layers, which numbers, and that masks stay; NaN are found before the arg-max."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from support.toy_network import toy_image, toy_onnx  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.convert import in_precision  # noqa: E402
from nightseg_ros.export.operators import tensorrt_versions  # noqa: E402
from nightseg_ros.export.opset import name_nodes  # noqa: E402
from nightseg_ros.export.proof import count_not_finite, with_scores  # noqa: E402
from nightseg_ros.export.quantise import LEAST_FRAMES, kept_in_floats  # noqa: E402

FRAMES = [toy_image(seed)[0] for seed in range(LEAST_FRAMES)]


@pytest.fixture(scope="module")
def int8():
    """Return the toy network in int8, of both kinds."""
    source = toy_onnx()
    return {
        symmetric: in_precision(source, "int8", FRAMES, symmetric=symmetric)
        for symmetric in (False, True)
    }


def constants(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


@pytest.mark.parametrize("symmetric", [False, True])
def test_masks_stay_and_the_layers_between_are_quantised(int8, symmetric):
    session = onnxruntime.InferenceSession(int8[symmetric], providers=["CPUExecutionProvider"])
    for seed in range(100, 103):
        image, ids = toy_image(seed)
        mask, confidence = session.run(None, {"image": image[None]})
        assert (mask[0] == ids).mean() > 0.97
        assert confidence.min() > 10
    assert session.get_modelmeta().custom_metadata_map == {
        "nightseg_precision": "int8",
        "nightseg_classes": "19",
    }
    model = onnx.load_from_string(int8[symmetric])
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    convs = [node for node in model.graph.node if node.op_type == "Conv"]
    weights = [makers.get(node.input[1]) for node in convs]
    assert weights == [None, "DequantizeLinear", "DequantizeLinear", None]


def test_on_cpus_weights_leave_room_for_sums_of_16_bits(int8):
    held = constants(onnx.load_from_string(int8[False]))
    weights = [value for name, value in held.items() if value.dtype == np.int8 and value.ndim == 4]
    assert len(weights) == 2
    assert max(int(np.abs(value.astype(int)).max()) for value in weights) <= 64
    scales = [value for name, value in held.items() if "second" in name and "scale" in name]
    assert [value.shape for value in scales if value.size > 1] == [(3,)]  # one for each channel
    zeros = [value for value in held.values() if value.dtype == np.uint8 and value.ndim == 0]
    assert zeros


def test_for_tensorrt_all_zero_points_are_zero(int8):
    assert tensorrt_versions(onnx.load_from_string(int8[True])) == ["8.6", "10", "11"]
    assert tensorrt_versions(onnx.load_from_string(int8[False])) == []


def test_what_stands_before_the_first_and_behind_the_last_convolution_stays_in_floats():
    model = onnx.load_from_string(toy_onnx())
    name_nodes(model)
    kept = kept_in_floats(model)
    assert {"a", "scores", "x", "mask", "shares"} <= set(kept)
    assert not {"b", "c", "d", "e", "f"} & set(kept)


def filters(weights, groups):
    """A graph of convolutions and ReLUs in a row, with these kernel sizes and groups."""
    nodes, constants, name = [], [], "image"
    for index, (weight, group) in enumerate(zip(weights, groups, strict=True)):
        constants.append(numpy_helper.from_array(np.ones(weight, np.float32), f"w{index}"))
        nodes.append(
            helper.make_node("Conv", [name, f"w{index}"], [f"c{index}"], f"c{index}", group=group)
        )
        attribute = helper.make_attribute("kernel_shape", weight[2:])
        nodes[-1].attribute.append(attribute)
        name = f"r{index}"
        nodes.append(helper.make_node("Relu", [f"c{index}"], [name], name))
    graph = helper.make_graph(
        nodes,
        "filters",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        constants,
    )
    return helper.make_model(graph)


@pytest.mark.parametrize(
    ("kernel", "groups", "kept"),
    [
        (3, (1, 4, 1, 4, 1), {"c0", "c1"}),  # depthwise right behind the first
        (3, (1, 1, 1, 4, 1), {"c0"}),  # a later one
        (1, (1, 4, 1, 4, 1), {"c0"}),  # a factor for each channel
    ],
)
def test_a_depthwise_convolution_right_behind_the_first_stays_in_floats(kernel, groups, kept):
    weights = [(4, 3, 3, 3)]
    weights += [(4, 4 // group, kernel, kernel) for group in groups[1:]]
    found = set(kept_in_floats(filters(weights, groups)))
    assert found & {"c0", "c1", "c2", "c3"} == kept


def test_too_few_frames_are_refused():
    with pytest.raises(NightsegError, match="3 calibration images, need at least 16"):
        in_precision(toy_onnx(), "int8", FRAMES[:3])


def test_every_frame_is_used_once():
    used = []
    in_precision(toy_onnx(), "int8", FRAMES, on_frame=lambda: used.append(1))
    assert len(used) == len(FRAMES)


def test_scores_that_are_no_numbers_are_counted():
    good = onnx.load_from_string(toy_onnx())
    _, names = with_scores(good)
    assert names == ["scores", "sure", "whole"]
    assert count_not_finite(good, FRAMES[:2]) == 0
    broken = onnx.load_from_string(toy_onnx(weight=np.nan))
    assert count_not_finite(broken, FRAMES[:1]) > 0
    outputs = [value.name for value in good.graph.output]
    assert outputs == ["mask", "confidence"]  # the model itself is left alone
