# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an ONNX graph costs, and whether two graphs cost the same: counted, never measured."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.errors import NightsegError

CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3, "FusedConv": 1}
"""Operator -> which of its inputs is the kernel."""
PRODUCTS = {"MatMul": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3)}
"""Operator -> which of its inputs are the two factors."""


@dataclass(frozen=True)
class GraphFacts:
    """Multiply-accumulates of one run, and a hash that only graphs of equal cost share."""

    macs: int
    fingerprint: str
    precision: str


def graph_facts(data: bytes) -> GraphFacts | None:
    """Return the facts of the graph in these bytes, None where the package onnx is missing.

    A graph for any number of images is counted for one.
    """
    try:
        import onnx
    except ImportError:
        return None
    try:
        model = onnx.load_from_string(data)
        if any(_first(value).dim_param for value in model.graph.input):
            _set_batch(model, 1)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # protobuf and onnx share no narrower base
        raise NightsegError(f"this is no ONNX graph ({str(error)[:120]})") from error
    shapes = _shapes(model.graph)
    macs = sum(_macs(node, shapes) for node in model.graph.node)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    return GraphFacts(macs, _fingerprint(model.graph), facts.get(PRECISION_KEY, "fp32"))


def with_batch(data: bytes, batch: int) -> bytes:
    """Return the same graph for so many images at once.

    Refused where the graph holds its batch in other places than inputs and outputs.
    """
    import onnx

    model = onnx.load_from_string(data)
    _set_batch(model, batch)
    try:
        onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # onnx has no narrower base
        raise NightsegError("the graph is made for one image at a time; export it anew") from error
    changed: bytes = model.SerializeToString()
    return changed


def _set_batch(model: Any, batch: int) -> None:
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        _first(value).dim_value = batch


def _first(value: Any) -> Any:
    """Return the first dimension of an input or output."""
    return value.type.tensor_type.shape.dim[0]


def count_macs(data: bytes) -> int:
    """Return the multiply-accumulates of convolutions and matrix products in one run."""
    facts = graph_facts(data)
    if facts is None:
        raise NightsegError("counting needs the package onnx: pip install onnx")
    return facts.macs


def _macs(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    """Return the multiply-accumulates of one node; 0 for all that multiply no matrices.

    Each element of a convolution's result sums over one kernel; transposed, each element of its
    input is spread over one.
    """
    kind = node.op_type
    if kind in CONVOLUTIONS:
        kernel = _shape(node, node.input[CONVOLUTIONS[kind]], shapes)
        return math.prod(_shape(node, node.output[0], shapes)) * math.prod(kernel[1:])
    if kind == "ConvTranspose":
        kernel = _shape(node, node.input[1], shapes)
        return math.prod(_shape(node, node.input[0], shapes)) * math.prod(kernel[1:])
    if kind in PRODUCTS:
        first, second = (_shape(node, node.input[i], shapes) for i in PRODUCTS[kind])
        return math.prod(_product_shape(first, second)) * first[-1]
    if kind == "Gemm":
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        common = _shape(node, node.input[0], shapes)[0 if transposed else 1]
        return math.prod(_shape(node, node.output[0], shapes)) * common
    return 0


def _product_shape(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a matrix product, its leading axes broadcast.

    >>> _product_shape((1, 8, 34), (2, 64, 34, 60))
    (2, 64, 8, 60)
    """
    lead = np.broadcast_shapes(tuple(first[:-2]), tuple(second[:-2]))
    return (*lead, *first[-2:-1], *(second[-1:] if len(second) > 1 else ()))


def _shape(node: Any, name: str, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    if name not in shapes:
        raise NightsegError(
            f"the shape of '{name}' at {node.op_type} '{node.name}' is not known before a run; "
            "export the network for one fixed size and batch"
        )
    return shapes[name]


def _shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor whose shape is fixed."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        tensor = value.type.tensor_type
        sides = [d.dim_value if d.HasField("dim_value") else 0 for d in tensor.shape.dim]
        if tensor.HasField("shape") and all(sides):
            shapes.setdefault(value.name, tuple(sides))
    return shapes


def _fingerprint(graph: Any) -> str:
    """Return a hash of operators, how they are joined, attributes and shapes, less the weights."""
    numbers: dict[str, int] = {"": 0}
    digest = hashlib.sha256()
    for tensor in graph.initializer:
        numbers.setdefault(tensor.name, len(numbers))
        digest.update(f"{tuple(tensor.dims)} {tensor.data_type};".encode())
    for value in graph.input:
        numbers.setdefault(value.name, len(numbers))
        digest.update(value.type.SerializeToString())
    for node in graph.node:
        inputs = [numbers.setdefault(name, len(numbers)) for name in node.input]
        outputs = [numbers.setdefault(name, len(numbers)) for name in node.output]
        digest.update(f"{node.op_type}{inputs}{outputs}".encode())
        for attribute in sorted(node.attribute, key=lambda a: str(a.name)):
            if attribute.HasField("t"):
                digest.update(f"{tuple(attribute.t.dims)} {attribute.t.data_type}".encode())
            else:
                digest.update(attribute.SerializeToString())
    return digest.hexdigest()
