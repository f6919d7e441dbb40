# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How many numbers in a network are none: an arg-max hides a NaN, so they are looked at before.

What is looked at is made an output of a copy of the graph, which is thrown away. In fp16 that is
every activation: a CPU computes such a network in fp32, and an overflow shows only in what it hands
out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from onnx.shape_inference import infer_shapes

from nightseg_ros.engines.graph_check import INPUT
from nightseg_ros.errors import NightsegError

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


def count_not_finite(model: ModelProto, frames: Iterable[NDArray[np.uint8]]) -> int:
    """Return how many scores (in fp16: activations) are NaN or infinite."""
    shown, names = with_scores(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    total = 0
    for frame in frames:
        for values in session.run(names, {INPUT: frame[None]}):
            total += int(values.size - np.isfinite(values).sum())
    return total


def with_scores(model: ModelProto) -> tuple[ModelProto, list[str]]:
    """Return a copy that also gives its scores, what becomes bytes, and all that is fp16."""
    shown = ModelProto()
    shown.CopyFrom(model)
    graph = infer_shapes(shown, strict_mode=True).graph
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    outputs = {value.name for value in shown.graph.output}
    names = {name for name, kind in types.items() if kind == TensorProto.FLOAT16}
    for node in shown.graph.node:
        last = node.op_type == "Cast" and node.output[0] in outputs
        if (node.op_type == "ArgMax" or last) and types.get(node.input[0]) in _FLOATS:
            names.add(node.input[0])
    if not names:
        raise NightsegError("the graph has no scores to look at; export it again")
    for name in sorted(names):
        shown.graph.output.append(helper.make_tensor_value_info(name, types[name], None))
    return shown, sorted(names)
