# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What TensorRT supports: operators, types and restrictions, from the tables of its ONNX parser.

For our purposes, those tables (docs/operators.md of onnx-tensorrt) differ between 8.6 and 10 only
in the highest opset; the list contains operators that both support. Operators that no image
network needs are left out, and so refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto
from onnx.shape_inference import infer_shapes

from nightseg_ros.export.open_graph import OpenGraph, attribute

HIGHEST_OPSET: Mapping[str, int] = {"8.6": 17, "10": 20, "11": 25}
"""TensorRT version -> highest supported opset."""

FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16})
NUMBERS = FLOATS | {TensorProto.INT32, TensorProto.INT64}
"""8.6 treats int64 as int32, with a warning."""
ANY = NUMBERS | {TensorProto.BOOL}
BYTE = TensorProto.UINT8

_GROUPS = {
    FLOATS: """
        AveragePool BatchNormalization Ceil Clip Conv ConvTranspose Elu Erf Exp Floor Gemm
        GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish InstanceNormalization
        LayerNormalization LeakyRelu Log LogSoftmax MatMul MaxPool PRelu Pow QuantizeLinear
        Reciprocal ReduceMax ReduceMean ReduceMin ReduceSum Relu Resize Selu Sigmoid Softmax
        Softplus Sqrt Tanh""",
    NUMBERS: """
        Abs Add ArgMax ArgMin DepthToSpace Div Equal Greater Less Max Mean Min Mul Neg Pad Sub
        Sum""",
    ANY: """
        Concat Constant Expand Flatten Gather Identity Reshape Shape Slice Split Squeeze Tile
        Transpose Unsqueeze Where""",
    ANY | {BYTE}: "Cast",
    frozenset({TensorProto.INT8}): "DequantizeLinear",
}
TYPES: Mapping[str, frozenset[int]] = {
    name: types for types, names in _GROUPS.items() for name in names.split()
}
"""Operator -> types of its data."""

_RESIZE: Mapping[str, set[Any]] = {
    "mode": {b"nearest", b"linear"},
    "coordinate_transformation_mode": {
        *(b"half_pixel", b"pytorch_half_pixel", b"tf_half_pixel_for_nn"),
        *(b"asymmetric", b"align_corners"),
    },
    "nearest_mode": {b"floor", b"ceil", b"round_prefer_floor", b"round_prefer_ceil"},
    "keep_aspect_ratio_policy": {b"stretch"},
    "antialias": {0},
}


def tensorrt_versions(model: ModelProto) -> list[str]:
    """Return the TensorRT versions whose parser accepts `model`."""
    if unsupported(model):
        return []
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return [version for version, highest in HIGHEST_OPSET.items() if opset <= highest]


def unsupported(model: ModelProto) -> list[str]:
    """Return the unsupported operators of `model` with reasons."""
    graph = infer_shapes(model, strict_mode=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    types.update((tensor.name, tensor.data_type) for tensor in graph.initializer)
    opened = OpenGraph(model)
    inputs = {value.name for value in graph.input}
    reasons = []
    for node in opened.nodes:
        for reason in _reasons(node, types, opened, inputs):
            reasons.append(f"{node.op_type} {node.output[0]}: {reason}")
    return reasons


def _reasons(
    node: NodeProto, types: Mapping[str, int], graph: OpenGraph, inputs: set[str]
) -> Iterator[str]:
    if node.op_type not in TYPES or node.domain not in ("", "ai.onnx"):
        yield "not in the tables"
        return
    data = [node.input[0], *(name for name in node.input[1:] if name not in graph.constants)]
    for name in data:
        kind = types.get(name, TensorProto.UNDEFINED) if name else None
        if kind is not None and kind not in TYPES[node.op_type]:
            yield f"its input is {TensorProto.DataType.Name(kind).lower()}"
        if kind == BYTE and name not in inputs:
            yield "uint8 inside the graph"
    if node.op_type == "Cast" and BYTE in (types[node.input[0]], attribute(node, "to", 0)):
        yield from _byte_cast(node, types, graph)
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        zero = graph.constants.get(node.input[2]) if len(node.input) > 2 else None
        if zero is None or zero.dtype != np.int8 or zero.any():
            yield "needs zero points that are int8 and 0"
    if node.op_type == "Resize":
        for name, allowed in _RESIZE.items():
            if (value := attribute(node, name, next(iter(allowed)))) not in allowed:
                yield f"{name} {value!r}"
    if any(step != 1 for step in attribute(node, "dilations", [])) and "Pool" in node.op_type:
        yield "dilated pooling"


def _byte_cast(node: NodeProto, types: Mapping[str, int], graph: OpenGraph) -> Iterator[str]:
    """Check that bytes are cast from and to floats only, at the edges of the graph only."""
    if types[node.input[0]] == BYTE:
        if attribute(node, "to", 0) not in FLOATS:
            yield "uint8 to a type that is not a float"
        return
    if types[node.input[0]] not in FLOATS:
        yield "a type that is not a float to uint8"
    if node.output[0] not in graph.outputs:
        yield "uint8 inside the graph"
