# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Gives a graph one size of image, and folds all that follows from it.

Exporters compute sizes inside the graph. For one size these are constants, which ONNX Runtime
folds; what is left is a plain graph, which every engine reads and the quantiser understands.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
from onnx import AttributeProto, ModelProto, helper, version_converter

from nightseg_ros.errors import NightsegError, last_line
from nightseg_ros.export.imported.network import STANDARD, Network
from nightseg_ros.export.open_graph import OpenGraph, attribute
from nightseg_ros.export.opset import FROM_OPSET, OPSET, lower_opset
from nightseg_ros.files.atomic import scratch_folder

if TYPE_CHECKING:
    from nightseg_ros.engines.image_input import Shape

OLDEST = 13
"""The opset from which on Softmax means one axis, and factors of Resize are optional."""


def fixed(network: Network, shape: Shape) -> ModelProto:
    """Return the graph of `network` for inputs of `shape`, in opset 13 or later."""
    model = _modern(network)
    (image,) = (value for value in model.graph.input if value.name == network.image.input)
    for side, number in zip(image.type.tensor_type.shape.dim, shape, strict=True):
        side.dim_value = number
    del model.graph.input[:]  # old exporters list weights there too, which are then not folded
    model.graph.input.append(image)
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    model = _folded(_spelled_out(model))
    for node in model.graph.node:
        if any(entry.type == AttributeProto.GRAPH for entry in node.attribute):
            raise NightsegError(
                f"{network.name}: node '{node.name or node.output[0]}' ({node.op_type}) chooses a "
                "path at run time, which not every engine can; export the network without branches "
                "and loops, as for one fixed size"
            )
    model = _lowered(model)
    return onnx.shape_inference.infer_shapes(model, data_prop=True)


def _modern(network: Network) -> ModelProto:
    model = ModelProto()
    model.CopyFrom(network.model)
    if (opset := _opset(model)) >= OLDEST:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:  # onnx has no narrower base
        raise NightsegError(
            f"{network.name} has opset {opset}, which cannot be converted ({last_line(error)}); "
            f"export it with opset {OPSET}"
        ) from error


def _spelled_out(model: ModelProto) -> ModelProto:
    """Write every Gelu, new in opset 20, as the older operators that it stands for."""
    graph = OpenGraph(model)
    half, root = np.array(0.5, np.float32), np.array(math.sqrt(0.5), np.float32)
    for node in list(graph.nodes):
        if node.op_type != "Gelu" or attribute(node, "approximate", b"none") != b"none":
            continue
        x, out = node.input[0], node.output[0]
        steps = (
            ("Mul", [x, graph.constant("gelu_root", root)], "scaled"),
            ("Erf", [f"{out}/scaled"], "erf"),
            ("Mul", [x, graph.constant("gelu_half", half)], "half"),
            ("Mul", [f"{out}/half", f"{out}/erf"], "curve"),
        )
        made = [helper.make_node(kind, given, [f"{out}/{part}"]) for kind, given, part in steps]
        graph.replace(node, *made, helper.make_node("Add", [f"{out}/half", f"{out}/curve"], [out]))
    if "gelu_half" in graph.constants:
        graph.write()
    return model


def _lowered(model: ModelProto) -> ModelProto:
    """Return the graph in the opset that every TensorRT reads, where it has such a form."""
    if _opset(model) <= OPSET:
        return model
    lower = ModelProto()
    lower.CopyFrom(model)
    try:
        if _opset(model) > FROM_OPSET:
            lower = version_converter.convert_version(lower, FROM_OPSET)
        lower_opset(lower)
        onnx.checker.check_model(lower, full_check=True)
    except Exception:  # onnx has no narrower base; the newer form runs, on fewer engines
        return model
    return lower


def _opset(model: ModelProto) -> int:
    return max(int(e.version) for e in model.opset_import if e.domain in STANDARD)


def _folded(model: ModelProto) -> ModelProto:
    """Return the graph without what is constant; unchanged where only other operators do that."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with scratch_folder("fixed") as folder:
        options.optimized_model_filepath = str(folder / "folded.onnx")
        try:
            onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            folded = onnx.load(folder / "folded.onnx")
        except Exception:  # whether the network runs at all is found by its original
            return model
    if any(node.domain not in STANDARD for node in folded.graph.node):
        return model
    used = [entry for entry in folded.opset_import if entry.domain in STANDARD]
    del folded.opset_import[:]
    folded.opset_import.extend(used)
    return folded
