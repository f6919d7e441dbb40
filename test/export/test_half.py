# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks in fp16: nearly the same outputs, with fp32 where sums are long."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.shape_inference import infer_shapes  # noqa: E402

from nightseg_ros.bundles.onnx_file import read_metadata  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.convert import in_precision, to_half  # noqa: E402

KINDS = ("erf_pspnet", "light", "resnet")


def types_of(model):
    graph = infer_shapes(model, strict_mode=True).graph
    types = {v.name: v.type.tensor_type.elem_type for v in (*graph.input, *graph.value_info)}
    types.update((tensor.name, tensor.data_type) for tensor in graph.initializer)
    return types


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fp16_is_the_same_network(exported, kind):
    half = in_precision(exported[kind], "fp16")
    facts = read_metadata(half)
    assert facts == {**read_metadata(exported[kind]), "nightseg_precision": "fp16"}
    assert len(half) < 0.75 * len(exported[kind])
    model = onnx.load_from_string(half)
    types = types_of(model)
    heavy = [n for n in model.graph.node if n.op_type in ("Conv", "ConvTranspose", "MatMul")]
    assert heavy
    assert {types[name] for n in heavy for name in n.input} == {TensorProto.FLOAT16}
    long = [n for n in model.graph.node if n.op_type in ("InstanceNormalization", "Softmax")]
    assert bool(long) == (kind != "erf_pspnet")
    assert {types[name] for n in long for name in n.input} <= {TensorProto.FLOAT}
    size = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    image = np.random.default_rng(0).integers(0, 256, (1, *size), np.uint8)
    outputs = [
        onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(
            None, {"image": image}
        )[0]
        for data in (exported[kind], half)
    ]
    assert outputs[1].dtype == np.uint8
    apart = np.abs(outputs[0].astype(int) - outputs[1])
    assert (apart <= (0 if kind == "erf_pspnet" else 3)).mean() > 0.99


def test_a_weight_beyond_fp16_is_refused():
    node = helper.make_node("Mul", ["x", "big"], ["y"])
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    big = numpy_helper.from_array(np.array([1.0, 1e6], np.float32), "big")
    graph = helper.make_graph([node], "g", values[:1], values[1:], [big])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(NightsegError, match=r"weight big reaches 1e\+06.*without --fp16"):
        to_half(model)
