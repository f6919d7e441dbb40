# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults that another process injects into the fake engine: files in a folder, each used once.

NIGHTSEG_FAKE_FAULTS names the folder; `inject` writes a file into it. Only the fake engine reads
it, so a node with real models cannot be disturbed this way.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Outputs

VARIABLE = "NIGHTSEG_FAKE_FAULTS"
ANY = "any"
RAISE, MEMORY, HANG, SLOW = "raise", "memory", "hang", "slow"
SHAPE, NAN, IDS, GARBAGE, NOTHING = "shape", "nan", "ids", "garbage", "nothing"
START = "start"
"""An engine that cannot be created; all others affect frames."""
FAULTS = (RAISE, MEMORY, HANG, SLOW, SHAPE, NAN, IDS, GARBAGE, NOTHING, START)
SLOW_S = 0.3
HANG_S = 3600.0
_RELEASE = "release"


def inject(folder: Path, fault: str, role: str = ANY, count: int = 1) -> None:
    """Inject a fault into the next `count` runs of the engine of a role."""
    if fault not in FAULTS:
        raise NightsegError(f"fault '{fault}' is unknown; there are {', '.join(FAULTS)}")
    (folder / _RELEASE).unlink(missing_ok=True)
    at = time.time_ns()
    for index in range(count):
        (folder / f"{role}-{fault}-{at + index}").touch()


def clear(folder: Path) -> None:
    """Remove all faults, and let hanging engines return."""
    for file in folder.iterdir():
        file.unlink(missing_ok=True)
    (folder / _RELEASE).touch()


class FakeFaults:
    """The faults of one fake engine."""

    def __init__(self, role: str) -> None:
        named = os.environ.get(VARIABLE, "")
        self._folder = Path(named) if named else None
        self._role = role

    def next(self, *, first: bool) -> str:
        """Return the next fault and remove it; the first run of an engine is its warm-up."""
        if self._folder is None:
            return ""
        try:
            names = sorted(
                (order.name for order in self._folder.iterdir()),
                key=lambda name: name.rpartition("-")[2],
            )
        except OSError:
            return ""
        for name in names:
            role, _, rest = name.partition("-")
            fault = rest.partition("-")[0]
            if role in (ANY, self._role) and fault and (fault == START) == first:
                try:
                    (self._folder / name).unlink()
                except FileNotFoundError:
                    continue
                return fault
        return ""

    def interrupt(self, fault: str) -> None:
        """Fail or hang, depending on the fault."""
        if fault in (RAISE, START):
            raise RuntimeError("CUDA error 700: an illegal memory access was encountered")
        if fault == MEMORY:
            raise MemoryError("out of memory")
        end_s = time.monotonic() + {HANG: HANG_S, SLOW: SLOW_S}.get(fault, 0.0)
        while time.monotonic() < end_s:
            time.sleep(0.02)
            if fault == HANG and self._folder is not None and (self._folder / _RELEASE).exists():
                return

    def corrupt(self, fault: str, outputs: Outputs) -> Outputs:
        """Return outputs that are wrong according to the fault."""
        if fault == SHAPE:
            return tuple(output[:-1] for output in outputs)
        if fault == NAN:
            return tuple(np.full(output.shape, np.nan, np.float32) for output in outputs)  # type: ignore[misc]
        if fault == IDS:
            return (np.full_like(outputs[0], 200), *outputs[1:])
        if fault == GARBAGE:
            return tuple(np.zeros_like(output) for output in outputs)
        return () if fault == NOTHING else outputs
