# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A graph in 16-bit floats, with the types written into it.

TensorRT from 10.12 on takes the types that stand in the graph and has no switch for them any more.
So the casts are part of the graph: everything runs in fp16 except where that range is too short.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper
from onnx.shape_inference import infer_shapes

from nightseg_ros.errors import NightsegError
from nightseg_ros.export.open_graph import OpenGraph, attribute

IN_FP32 = {"InstanceNormalization", "ReduceMean", "Softmax"}
"""They sum over a whole image, or exponentials: in fp16 that overflows at 65504."""

FLOAT, HALF, BYTE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8
LARGEST = float(np.finfo(np.float16).max)

_PLAIN_INPUTS = {"Resize": 1}
"""Operators of whose inputs only the first few follow the type of the data."""


def to_half(model: ModelProto) -> ModelProto:
    """Return the fp32 graph `model` with fp16 weights and activations; inputs and outputs stay."""
    half = ModelProto()
    half.CopyFrom(model)
    _Conversion(half).run()
    return half


class _Conversion:
    def __init__(self, model: ModelProto) -> None:
        graph = infer_shapes(model, strict_mode=True).graph
        values = (*graph.input, *graph.value_info, *graph.output)
        self.types = {value.name: value.type.tensor_type.elem_type for value in values}
        """What each tensor is now; of floats it changes while nodes are visited."""
        self.graph = OpenGraph(model)
        self.done: list[NodeProto] = []
        self.casts: dict[tuple[str, int], str] = {}

    def run(self) -> None:
        """Visit every node in order."""
        for node in self.graph.nodes:
            self._visit(node)
        self.graph.nodes = self.done
        self.graph.write()

    def _visit(self, node: NodeProto) -> None:
        kind = FLOAT if node.op_type in IN_FP32 else HALF
        if node.op_type == "Cast":
            if self.types.get(node.input[0]) == BYTE:  # bytes are exact in fp16 too
                del node.attribute[:]
                node.attribute.append(helper.make_attribute("to", HALF))
            self.done.append(node)
            self.types[node.output[0]] = attribute(node, "to", FLOAT)
            return
        for index in range(min(len(node.input), _PLAIN_INPUTS.get(node.op_type, len(node.input)))):
            node.input[index] = self._as(node.input[index], kind)
        self.done.append(node)
        for name in node.output:
            if self.types.get(name) == FLOAT:
                self.types[name] = kind

    def _as(self, name: str, kind: int) -> str:
        """Return the name under which the float tensor `name` is there as a `kind`."""
        constant = self.graph.constants.get(name)
        if constant is not None:
            if constant.dtype != np.float32 or kind == FLOAT:
                return name
            return self.graph.constant(f"{name}_fp16", _halved(name, constant))
        if self.types.get(name) not in (FLOAT, HALF) or self.types[name] == kind:
            return name
        if (name, kind) not in self.casts:
            out = f"{name}_{'fp32' if kind == FLOAT else 'fp16'}"
            self.done.append(helper.make_node("Cast", [name], [out], out, to=kind))
            self.types[out] = kind
            self.casts[name, kind] = out
        return self.casts[name, kind]


def _halved(name: str, values: NDArray[Any]) -> NDArray[np.float16]:
    largest = float(np.abs(values).max(initial=0.0))
    if not largest <= LARGEST:  # NaN too
        raise NightsegError(
            f"weight {name} reaches {largest:g}, fp16 ends at {LARGEST:g}; export without --fp16"
        )
    return values.astype(np.float16)
