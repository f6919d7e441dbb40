# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A quick look whether an engine gives the masks of the ONNX, for engines that nobody has proven.

It finds the engine that computes garbage, which drivers and libraries of GPUs are known for. What
a lower precision costs is for the proof on real frames, where an engine is built.
"""

from __future__ import annotations

import cv2
import numpy as np

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from nightseg_ros.engines.parity import Parity, measure_parity
from nightseg_ros.errors import NightsegError

LEAST_EQUAL = 0.9


def check_quickly(candidate: Engine, bundle: Bundle) -> Parity:
    """Refuse an engine whose mask of one made-up image is not that of the ONNX on the CPU."""
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
            f"bundle {bundle.name}: {candidate.info.provider} gives other masks than the ONNX on "
            f"the CPU ({parity}); update the driver and its libraries, or take another engine"
        )
    return parity
