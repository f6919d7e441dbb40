# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A quick check of an engine against the ONNX, for engines whose parity was not measured.

It detects an engine that computes garbage, as some drivers and libraries of GPUs do. The cost of
a lower precision is measured on real frames when an engine is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
from nightseg_ros.engines.parity import Parity, measure_parity
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.engine import Engine

LEAST_EQUAL = 0.9


def check_quickly(candidate: Engine, bundle: Bundle) -> Parity:
    """Refuse an engine whose mask of one synthetic image differs from the ONNX on the CPU."""
    seed = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    size = (bundle.width, bundle.height)
    image = np.asarray(cv2.resize(seed, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    reference = OnnxRuntimeEngine(bundle, spinning=False)
    try:
        parity = measure_parity(reference, candidate, [image])
    finally:
        reference.close()
    if parity.equal_share < LEAST_EQUAL or parity.nan_count:
        raise NightsegError(
            f"bundle {bundle.name}: {candidate.info.provider} returns other masks than the ONNX on "
            f"the CPU ({parity}); update the driver and its libraries, or use another engine"
        )
    return parity
