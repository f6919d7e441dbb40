# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An fp32 network in the precision that was asked for, which the file then says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray

from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.parity import FP16, FP32
from nightseg_ros.export.half import to_half
from nightseg_ros.export.opset import name_nodes, tidy
from nightseg_ros.export.quantise import to_int8


def in_precision(
    data: bytes,
    precision: str,
    calibration: Sequence[NDArray[np.uint8]] = (),
    *,
    symmetric: bool = False,
    seen: Callable[[], object] = lambda: None,
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
        model = to_int8(model, calibration, symmetric=symmetric, seen=seen)
    tidy(model, {**facts, PRECISION_KEY: precision})
    converted: bytes = model.SerializeToString()
    return converted
