# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An exported graph in the opset that every TensorRT from 8.6 on parses, and free of leftovers.

The exporter of torch writes opset 18 at the least, TensorRT 8.6 reads 17 at the most. Between the
two only a handful of operators changed, and of these a network needs three.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper

from nightseg_ros.engines.graph_check import BATCH
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.open_graph import OpenGraph, attribute, drop_attributes

OPSET = 17
FROM_OPSET = 18
IR_VERSION = 8
"""What ONNX pairs with opset 17; the oldest ONNX Runtime that setup.py allows reads it."""

_OTHERS_CHANGED = {"CenterCropPad", "Col2Im", "Mish", "ScatterElements", "ScatterND", "Split"}
"""New or changed in opset 18, and in no network here: refused rather than guessed at."""


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
                "build the network of other operators"
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
    """Give each enlargement a constant factor instead of a constant size.

    Sizes hold the batch, factors do not, so that the graph serves every batch.
    """
    graph = OpenGraph(model)
    shapes = graph.shapes()
    for node in graph.nodes:
        if node.op_type != "Resize" or len(node.input) < 4:
            continue
        before, after = np.asarray(shapes[node.input[0]]), graph.constants[node.input[3]]
        factors = (after / before).astype(np.float32)
        # Engines round the product down, in float or double: rounded up, the factor suits both.
        short = np.floor(before * factors.astype(np.float64)) < after
        factors = np.where(short, np.nextafter(factors, np.float32(np.inf)), factors)
        name = graph.constant(f"{node.output[0]}_factors", factors)
        del node.input[1:]
        node.input.extend(["", name])
    graph.write()


def free_batch(model: ModelProto) -> None:
    """Let the graph take any number of images at once."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH


def name_nodes(model: ModelProto) -> None:
    """Call every node what its first output is called: no two then have one name."""
    for node in model.graph.node:
        node.name = node.output[0]


def tidy(model: ModelProto, facts: dict[str, str]) -> None:
    """Leave nothing in the file but the network and `facts`: no stack traces, no paths."""
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
            f"enlargement {node.name} uses what opset {OPSET} does not know (antialias, axes or "
            "an aspect ratio policy); enlarge without it"
        )
    drop_attributes(node, "antialias", "keep_aspect_ratio_policy")
