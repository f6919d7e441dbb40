# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The exported graphs: equal to torch, folded, in opset 17, for any batch, no leftovers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.fold import fold_batch_norms  # noqa: E402
from nightseg_ros.export.opset import free_batch, lower_opset, scale_resizes, tidy  # noqa: E402

KINDS = ("erf_pspnet", "light", "resnet")


def run(data, images):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": images})


def pictures(size, count, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (count, 9, 16, 3), np.uint8)
    return np.stack([cv2.resize(image, size[::-1], interpolation=2) for image in small])


def size_of(model):
    return tuple(dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:3])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_gives_what_torch_gives(torch_graphs, exported, kind):
    import torch

    images = pictures(size_of(onnx.load_from_string(exported[kind])), 1)
    with torch.inference_mode():
        expected = torch_graphs[kind](torch.from_numpy(images))
    expected = expected if isinstance(expected, tuple) else (expected,)
    for want, got in zip(expected, run(exported[kind], images), strict=True):
        apart = np.abs(want.numpy().astype(int) - got)
        assert (apart <= (0 if want is expected[0] and len(expected) > 1 else 1)).mean() > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_folded_and_in_the_opset_of_tensorrt_8_6(exported, kind):
    model = onnx.load_from_string(exported[kind])
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    operators = {node.op_type for node in model.graph.node}
    assert not {"BatchNormalization", "GlobalAveragePool", "AveragePool", "Shape"} & operators
    assert ("InstanceNormalization" in operators) == (kind != "erf_pspnet")
    assert len({node.name for node in model.graph.node}) == len(model.graph.node)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_file_holds_no_path_and_no_stack_trace(exported, kind):
    for leftover in (b"site-packages", b"File ", b"/nightseg", b"torch", b"forward"):
        assert leftover not in exported[kind]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_what_its_images_are_one_by_one(exported, kind):
    model = onnx.load_from_string(exported[kind])
    free_batch(model)
    images = pictures(size_of(model), 3)
    together = run(model.SerializeToString(), images)
    for index in range(3):
        alone = run(exported[kind], images[index : index + 1])
        for whole, single in zip(together, alone, strict=True):
            assert np.array_equal(whole[index], single[0])


def graph_of(nodes, constants, shape=(1, 2, 4, 6), out=None, opset=18):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, out or shape)]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def floats(rng, *shape):
    return rng.normal(0, 1, shape).astype(np.float32)


def test_normalisation_behind_a_concatenation_is_divided_between_its_parts():
    rng = np.random.default_rng(0)
    norm = {name: floats(rng, 5) for name in ("scale", "bias", "mean")}
    norm["var"] = np.abs(floats(rng, 5)) + 0.1
    nodes = [
        helper.make_node("Conv", ["x", "weight"], ["c"], kernel_shape=[1, 1]),
        helper.make_node("Concat", ["c", "x"], ["both"], axis=1),
        helper.make_node("BatchNormalization", ["both", *norm], ["n"], epsilon=1e-3),
        helper.make_node("Relu", ["n"], ["y"]),
    ]
    model = graph_of(nodes, {"weight": floats(rng, 3, 2, 1, 1), **norm}, out=(1, 5, 4, 6), opset=17)
    x = {"x": floats(rng, 1, 2, 4, 6)}
    before = onnxruntime.InferenceSession(model.SerializeToString()).run(None, x)[0]
    fold_batch_norms(model)
    tidy(model, {})
    after = onnxruntime.InferenceSession(model.SerializeToString()).run(None, x)[0]
    assert [node.op_type for node in model.graph.node] == ["Conv", "Conv", "Relu", "Relu", "Concat"]
    assert len(model.graph.initializer) == 4
    assert np.abs(after - before).max() < 1e-5
    assert before.max() > 0.5


def test_a_normalisation_whose_input_others_take_too_becomes_a_convolution_of_its_own():
    rng = np.random.default_rng(0)
    norm = {name: np.abs(floats(rng, 2)) + 0.1 for name in ("scale", "bias", "mean", "var")}
    nodes = [
        helper.make_node("Conv", ["x", "weight"], ["c"], kernel_shape=[1, 1]),
        helper.make_node("BatchNormalization", ["c", *norm], ["n"]),
        helper.make_node("Add", ["n", "c"], ["y"]),
    ]
    model = graph_of(nodes, {"weight": floats(rng, 2, 2, 1, 1), **norm}, opset=17)
    x = {"x": floats(rng, 1, 2, 4, 6)}
    before = onnxruntime.InferenceSession(model.SerializeToString()).run(None, x)[0]
    fold_batch_norms(model)
    after = onnxruntime.InferenceSession(model.SerializeToString()).run(None, x)[0]
    assert [node.op_type for node in model.graph.node] == ["Conv", "Conv", "Add"]
    assert np.abs(after - before).max() < 1e-5


def test_the_opset_is_lowered_and_nothing_is_guessed():
    axes = np.array([2, 3], np.int64)
    mean = helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=1)
    model = graph_of([mean], {"axes": axes}, out=(1, 2, 1, 1))
    lower_opset(model)
    onnx.checker.check_model(model, full_check=True)
    (node,) = model.graph.node
    assert list(node.input) == ["x"]
    assert {a.name: helper.get_attribute_value(a) for a in node.attribute}["axes"] == [2, 3]
    with pytest.raises(NightsegError, match="need opset 18"):
        lower_opset(model)
    sizes = {"sizes": np.array([1, 2, 8, 12], np.int64)}
    wide = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear", antialias=1)
    with pytest.raises(NightsegError, match="antialias"):
        lower_opset(graph_of([wide], sizes, out=(1, 2, 8, 12)))
    split = helper.make_node("Split", ["x"], ["y", "z"], axis=1, num_outputs=2)
    with pytest.raises(NightsegError, match="operator Split"):
        lower_opset(graph_of([split], {}, out=(1, 1, 4, 6)))


@pytest.mark.parametrize(
    ("before", "after"), [((4, 6), (34, 45)), ((7, 11), (31, 13)), ((8, 60), (34, 480))]
)
def test_an_enlargement_by_a_factor_has_the_exact_size(before, after):
    sizes = {"sizes": np.array([1, 2, *after], np.int64)}
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], mode="linear")
    model = graph_of([node], sizes, shape=(1, 2, *before), out=(1, 2, *after), opset=17)
    x = {"x": np.random.default_rng(0).normal(0, 1, (1, 2, *before)).astype(np.float32)}
    (by_size,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, x)
    scale_resizes(model)
    assert len(model.graph.node[0].input) == 3
    (by_factor,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, x)
    assert by_factor.shape == by_size.shape
    assert np.abs(by_factor - by_size).max() < 1e-5
