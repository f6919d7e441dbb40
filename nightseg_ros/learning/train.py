# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`train(config)`: run a recipe to its end, or on from where it stopped, and return its figures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning
import torch

from nightseg_ros.learning.methods import find_method
from nightseg_ros.learning.run_record import clear, write_result

FAST = "fast_dev_run"
"""The folder in OUT that takes what a trial step leaves; no real run reads it."""


def train(
    config: Any, out: Path, data: str = "", *, resume: bool = True, fast_dev_run: bool = False
) -> dict[str, Any]:
    """Run `config` and return its figures; everything it makes lies in `out`.

    A training that is finished already is not repeated: its result is returned. With
    `fast_dev_run` all lies in a folder below `out`, and the result says what it is.
    """
    if fast_dev_run:
        out = out / FAST
        clear(out)
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    started = time.time()
    method = find_method(config.recipe)
    result = method.train(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    result.setdefault("minutes", round((time.time() - started) / 60, 1))
    if fast_dev_run:
        result["fast_dev_run"] = True
    return write_result(out, result)
