# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs of networks that nobody here wrote, with random weights: see export_public_networks.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

FOLDER = Path(__file__).parent / "public_graphs"
SCALING = ("BatchNormalization", "InstanceNormalization", "LayerNormalization", "Mul")
KEPT = 16
"""A constant of at most so many numbers is part of the graph; more are weights."""


def public_onnx(name: str) -> bytes:
    """Return the network `name` with weights from a fixed seed."""
    model = onnx.load(FOLDER / f"{name}.onnx")
    random = np.random.default_rng(0)
    nodes = model.graph.node
    variances = {node.input[4] for node in nodes if node.op_type == "BatchNormalization"}
    scales = {node.input[1] for node in nodes if node.op_type in SCALING}
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or tensor.HasField("raw_data"):
            continue
        shape = tuple(tensor.dims)
        values = random.normal(size=shape)
        if tensor.name in variances:
            values = 1.0 + 0.5 * np.abs(values)
        elif tensor.name in scales:
            values = 1.0 + 0.3 * values
        elif np.prod(shape[1:]) > 1:  # a kernel or a matrix
            # Without their mean, or a common mean of the features decides alone: one class wins.
            values -= values.mean(axis=tuple(range(1, len(shape))), keepdims=True)
            values *= np.sqrt(2.0 / np.prod(shape[1:]))
        else:
            values *= 0.1
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))
    whole: bytes = model.SerializeToString()
    return whole
