# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An int8 version of a network for OpenVINO, good for measuring speed and for nothing else.

Its ranges come from made-up images: the masks are worth nothing, the time they take is the real
one. `nightseg build-engine` builds the version that is proven on frames.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.openvino_engine import IR_FILE, read_model
from nightseg_ros.export.to_openvino import quiet_nncf

IMAGES = 2


def quantised_for_speed(bundle: Bundle, folder: Path) -> Path:
    """Write the int8 version into `folder` and return its file."""
    import openvino

    nncf = quiet_nncf()
    shape = (IMAGES, 1, bundle.height, bundle.width, 3)
    images = list(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        model = nncf.quantize(
            read_model(bundle),
            nncf.Dataset(images),
            subset_size=len(images),
            advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
        )
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, folder / IR_FILE, compress_to_fp16=False)
    return folder / IR_FILE
