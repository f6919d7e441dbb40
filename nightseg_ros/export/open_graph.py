# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A graph as editable nodes and constants in plain Python, written back at the end.

The lists of a protobuf message copy their items, which makes editing nodes in place error-prone;
here a node stays the same object.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper
from onnx.shape_inference import infer_shapes


class OpenGraph:
    """The nodes and constants of `model`, written back by `write`."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.nodes: list[NodeProto] = []
        for node in model.graph.node:
            self.nodes.append(NodeProto())
            self.nodes[-1].CopyFrom(node)
        self.constants: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer
        }
        self.outputs = [value.name for value in model.graph.output]

    def maker(self, name: str, kind: str = "") -> NodeProto | None:
        """Return the node that computes `name`, if it exists and is a `kind`."""
        for node in self.nodes:
            if name in node.output:
                return node if kind in ("", node.op_type) else None
        return None

    def uses(self, name: str) -> int:
        """Return the number of uses of `name`, by nodes or as an output."""
        return Counter(n for node in self.nodes for n in node.input)[name] + (name in self.outputs)

    def sole_maker(self, name: str, kind: str) -> NodeProto | None:
        """Return the `kind` node that computes `name` if it has exactly one use."""
        node = self.maker(name, kind)
        return node if node is not None and self.uses(name) == 1 else None

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def replace(self, old: NodeProto, *new: NodeProto) -> None:
        """Replace `old` by `new` at the same position, which keeps a valid order."""
        at = next(index for index, node in enumerate(self.nodes) if node is old)
        self.nodes[at : at + 1] = new

    def shapes(self) -> dict[str, list[int]]:
        """Return the size of every tensor; a free dimension counts as 0."""
        graph = infer_shapes(self.model, strict_mode=True).graph
        return {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in (*graph.input, *graph.value_info, *graph.output)
        }

    def write(self) -> None:
        """Write nodes and constants back into the model, without unused constants."""
        graph = self.model.graph
        del graph.node[:]
        graph.node.extend(self.nodes)
        used = {name for node in self.nodes for name in node.input}
        del graph.initializer[:]
        graph.initializer.extend(
            numpy_helper.from_array(value, name)
            for name, value in self.constants.items()
            if name in used
        )
        del graph.value_info[:]


def attribute(node: NodeProto, name: str, default: Any) -> Any:
    """Return an attribute of a node."""
    for entry in node.attribute:
        if entry.name == name:
            return helper.get_attribute_value(entry)
    return default


def drop_attributes(node: NodeProto, *names: str) -> None:
    """Remove attributes of a node."""
    for entry in list(node.attribute):
        if entry.name in names:
            node.attribute.remove(entry)
