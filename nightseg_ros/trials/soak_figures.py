# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a long run: whether its end is as good as its start, and what grows."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from nightseg_ros.metrics.percentiles import percentile

WARM_UP = 0.1
"""Share of the run after which memory and handles are compared."""
MOST_MB_PER_MILLION = 10.0
"""How much memory may grow: 1 MB in 100 000 frames."""
LEAST_MB = 8.0
"""Growth below this is normal for allocators; a short run cannot distinguish it from a leak."""

POINTS = 50
"""The most points of the curve of memory."""


class Sample(NamedTuple):
    """The node at one moment."""

    seconds: float
    frames: int
    """Sent so far."""
    threads: int
    files: int
    own_bytes: int
    shared_bytes: int
    """Touched in the shared memory of the middleware, whose segments have fixed sizes."""


class Slope(NamedTuple):
    """A straight line through samples, and how far it may be off (two standard errors)."""

    per_unit: float
    uncertainty: float


@dataclass
class SoakRecord:
    """All that is kept of a long run: one pair of numbers a frame, and a sample now and then."""

    answered_s: array[float] = field(default_factory=lambda: array("d"))
    latency_ms: array[float] = field(default_factory=lambda: array("d"))
    samples: list[Sample] = field(default_factory=list)
    sent: int = 0
    account: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def least_squares(x: Sequence[float], y: Sequence[float]) -> Slope:
    """Return the slope of y over x.

    >>> least_squares([0, 1, 2], [5, 7, 9])
    Slope(per_unit=2.0, uncertainty=0.0)
    """
    if len(x) < 3:
        return Slope(float("nan"), float("inf"))
    across = np.asarray(x, float) - np.mean(x)
    up = np.asarray(y, float) - np.mean(y)
    spread = float(across @ across)
    if spread == 0.0:
        return Slope(float("nan"), float("inf"))
    slope = float(across @ up) / spread
    rest = up - slope * across
    error = float(np.sqrt(rest @ rest / (len(x) - 2) / spread))
    return Slope(slope, 2.0 * error)


def conclude(record: SoakRecord) -> dict[str, Any]:
    """Return the figures, and the promises that they break."""
    after = [s for s in record.samples if s.seconds >= WARM_UP * record.seconds]
    tenth_s = record.seconds / 10.0
    figures: dict[str, Any] = {
        "seconds": record.seconds,
        "sent": record.sent,
        "masks": len(record.latency_ms),
        "account": dict(record.account),
        "latency_p99_ms": {
            "first_tenth": _p99(record, 0.0, tenth_s),
            "last_tenth": _p99(record, record.seconds - tenth_s, record.seconds),
        },
        "memory_mb": _memory(after, [s.own_bytes for s in after]),
        "shared_memory_mb": _memory(after, [s.shared_bytes for s in after]),
        "threads": [s.threads for s in (*after[:1], *after[-1:])],
        "files": [s.files for s in (*after[:1], *after[-1:])],
    }
    figures["broken"] = broken(figures)
    return figures


def broken(figures: Mapping[str, Any]) -> list[str]:
    """Return the promises that a run did not keep."""
    found = []
    memory = figures["memory_mb"]
    grown = (memory["at_end"] or 0.0) - (memory["after_warm_up"] or 0.0)
    least = memory["per_million_frames"] - memory["uncertainty"]
    if grown > LEAST_MB and least > MOST_MB_PER_MILLION:
        found.append(f"memory grows by {memory['per_million_frames']:.0f} MB per million frames")
    for name in ("threads", "files"):
        counts = figures[name]
        if counts and counts[-1] > counts[0] + (name == "files"):
            found.append(f"{counts[0]} {name} became {counts[-1]}")
    account = figures["account"]
    ends = sum(account.get(key, 0) for key in ("published", "dropped", "rejected", "in_flight"))
    if account and account["received"] != ends:
        found.append(f"the account of frames is not exact: {account}")
    if account.get("rejected"):
        found.append(f"{account['rejected']} frames were rejected")
    if not figures["masks"]:
        found.append("no mask came back")
    return found


def _memory(samples: Sequence[Sample], held: Sequence[int]) -> dict[str, Any]:
    """Return the ends of a curve, its slope, and some of its points.

    They distinguish what still grows from what has filled up.
    """
    growth = least_squares([s.frames for s in samples], held)
    step = max(1, len(samples) // POINTS)
    curve = [(s.frames, size / 1e6) for s, size in zip(samples, held, strict=True)]
    return {
        "after_warm_up": held[0] / 1e6 if held else None,
        "at_end": held[-1] / 1e6 if held else None,
        "per_million_frames": growth.per_unit,  # bytes per frame are MB per million frames
        "uncertainty": growth.uncertainty,
        "over_frames": curve[::step],
    }


def _p99(record: SoakRecord, begin_s: float, end_s: float) -> float | None:
    at = np.frombuffer(record.answered_s)
    latency = np.frombuffer(record.latency_ms)[(at >= begin_s) & (at <= end_s)]
    return percentile(np.sort(latency).tolist(), 0.99) if latency.size else None
