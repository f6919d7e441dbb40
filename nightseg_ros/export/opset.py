# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lowers an exported graph to the opset of TensorRT 8.6, and removes leftovers.

The exporter of torch writes opset 18 or later, TensorRT 8.6 reads opset 17 or earlier. Only a few
operators differ between the two, and networks need three of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper

from nightseg_ros.engines.graph_check import BATCH
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.open_graph import OpenGraph, attribute, drop_attributes

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPSET = 17
FROM_OPSET = 18
IR_VERSION = 8
"""The IR version of opset 17; the oldest ONNX Runtime that setup.py allows supports it."""

_OTHERS_CHANGED = {"CenterCropPad", "Col2Im", "Mish", "ScatterElements", "ScatterND", "Split"}
"""New or changed in opset 18, and unused by our networks: refused."""


def lower_opset(model: ModelProto) -> None:
    """Turn an opset-18 graph into the same graph in opset 17."""
    versions = {entry.domain: entry.version for entry in model.opset_import if entry.version}
    if versions != {"": FROM_OPSET} or len(model.functions):
        raise NightsegError(
            f"the exporter wrote opset {versions} and {len(model.functions)} functions, need "
            f"opset {FROM_OPSET} and none; install the versions of torch and onnxscript that "
            "the extra 'train' names"
        )
    graph = OpenGraph(model)
    for node in graph.nodes:
        if node.op_type in _OTHERS_CHANGED or (node.op_type == "Pad" and len(node.input) > 3):
            raise NightsegError(
                f"operator {node.op_type} of the graph differs between opset 18 and {OPSET}; "
                "build the network from other operators"
            )
        if node.op_type == "Resize":
            _lower_resize(node)
        elif node.op_type.startswith("Reduce") and node.op_type != "ReduceSum":
            if len(node.input) == 2:
                axes = graph.constants[node.input[1]].tolist()
                del node.input[1:]
                node.attribute.append(helper.make_attribute("axes", axes))
            drop_attributes(node, "noop_with_empty_axes")
    graph.write()
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.ir_version = IR_VERSION


def scale_resizes(model: ModelProto) -> None:
    """Give each upsampling a constant factor instead of a constant size.

    Sizes contain the batch, factors do not, so the graph works for every batch.
    """
    graph = OpenGraph(model)
    shapes = graph.shapes()
    for node in graph.nodes:
        if node.op_type != "Resize" or len(node.input) < 4:
            continue
        before, after = np.asarray(shapes[node.input[0]]), graph.constants[node.input[3]]
        factors = resize_factors(before, after)
        name = graph.constant(f"{node.output[0]}_factors", factors)
        del node.input[1:]
        node.input.extend(["", name])
    graph.write()


def resize_factors(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the factors by which a Resize makes sizes `after` of sizes `before`.

    Engines round the product down, in float or double; a factor rounded up works for both.
    """
    factors = (after / before).astype(np.float32)
    short = np.floor(before * factors.astype(np.float64)) < after
    return np.where(short, np.nextafter(factors, np.float32(np.inf)), factors)


def free_batch(model: ModelProto) -> None:
    """Let the graph accept any number of images at once."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH


def name_nodes(model: ModelProto) -> None:
    """Name every node after its first output, which makes names unique."""
    for node in model.graph.node:
        node.name = node.output[0]


def tidy(model: ModelProto, facts: dict[str, str]) -> None:
    """Remove everything but the network and `facts`: no stack traces, no paths."""
    graph = model.graph
    model.doc_string = graph.doc_string = model.domain = model.producer_version = ""
    model.producer_name = graph.name = "nightseg_ros"
    del graph.value_info[:], graph.metadata_props[:]
    name_nodes(model)
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model, full_check=True)


def _lower_resize(node: NodeProto) -> None:
    policy = attribute(node, "keep_aspect_ratio_policy", b"stretch")
    if attribute(node, "antialias", 0) or attribute(node, "axes", None) or policy != b"stretch":
        raise NightsegError(
            f"upsampling {node.name} uses options that opset {OPSET} lacks (antialias, axes or "
            "an aspect ratio policy); upsample without them"
        )
    drop_attributes(node, "antialias", "keep_aspect_ratio_policy")
