# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Converts an fp32 network to the requested precision, and records it in the metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import ModelProto, numpy_helper
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.parity import FP16, FP32
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.opset import name_nodes, tidy
from nightseg_ros.export.quantise import to_int8

if TYPE_CHECKING:
    from numpy.typing import NDArray

IN_FP32 = ("InstanceNormalization", "ReduceMean", "Softmax")
"""They sum over a whole image, or exponentials, which overflows fp16 at 65504."""
LARGEST = float(np.finfo(np.float16).max)


def in_precision(
    data: bytes,
    precision: str,
    calibration: Sequence[NDArray[np.uint8]] = (),
    *,
    symmetric: bool = False,
    on_frame: Callable[[], object] = lambda: None,
) -> bytes:
    """Return the fp32 ONNX file `data` as fp32, fp16 or int8; only int8 needs `calibration`."""
    if precision == FP32:
        return data
    model = onnx.load_from_string(data)
    name_nodes(model)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    if precision == FP16:
        model = to_half(model)
    else:
        model = to_int8(model, calibration, symmetric=symmetric, on_frame=on_frame)
    tidy(model, {**facts, PRECISION_KEY: precision})
    converted: bytes = model.SerializeToString()
    return converted


def to_half(model: ModelProto) -> ModelProto:
    """Return the fp32 graph `model` with fp16 weights and activations; inputs and outputs stay.

    TensorRT from 10.12 on uses the types in the graph and has no option for them. So the casts are
    part of the graph: everything runs in fp16 except where its range is too small.
    """
    for tensor in model.graph.initializer:
        largest = float(np.abs(numpy_helper.to_array(tensor).astype(float)).max(initial=0.0))
        if tensor.data_type == tensor.FLOAT and not largest <= LARGEST:  # NaN too
            raise NightsegError(
                f"weight {tensor.name} reaches {largest:g}, more than the {LARGEST:g} of fp16; "
                "export without --fp16"
            )
    in_fp32 = [*DEFAULT_OP_BLOCK_LIST, *IN_FP32]
    half: ModelProto = convert_float_to_float16(model, keep_io_types=True, op_block_list=in_fp32)
    OnnxModel(half).topological_sort()  # it appends its casts at the end
    return half
