# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a live run and a series of them come to: the figures and the rule of ros2_benchmark.

Latency is from the stamp of an image, taken as it is published, to the arrival of its mask at the
one who published it. Jitter is the change from one distance between two masks to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.evaluation.percentiles import percentiles

Figures = dict[str, Any]

SERIES_POINTS = 1000
OUTLIERS = 2
"""Of each figure the best and the worst run are left out, where one remains at least."""


@dataclass
class RunRecord:
    """All that was noted in one run; frames are known by camera and stamp in ns."""

    sent: dict[tuple[int, int], float] = field(default_factory=dict)
    """Frame -> by how many ms it went out late."""
    arrived: dict[tuple[int, int], int] = field(default_factory=dict)
    """Frame -> time of the graph in ns at which its mask was there."""
    account: dict[str, int] = field(default_factory=dict)
    """What the node says of the frames of this run: received, published, dropped, rejected."""
    cpu_percent: float | None = None
    memory_mb: float | None = None

    def latencies_ms(self) -> NDArray[np.float64]:
        """Return the latency of each answered frame, in the order of sending."""
        return np.array(
            [(self.arrived[key] - key[1]) * 1e-6 for key in self.sent if key in self.arrived]
        )


def figures(run: RunRecord) -> Figures:
    """Return the figures of one run; those that nothing was measured for are None."""
    latency = run.latencies_ms()
    start_ns = min((stamp for _, stamp in run.sent), default=0)
    answered = [run.arrived[key] for key in run.sent if key in run.arrived]
    arrivals = np.sort(np.array(answered, np.int64) - start_ns) / 1e6
    jitter = np.abs(np.diff(arrivals, n=2))
    sent, masks = len(run.sent), len(latency)
    account = dict(run.account)
    if "received" in account:
        account["lost_by_middleware"] = sent - account["received"]
    return {
        "sent": sent,
        "masks": masks,
        "missed": sent - masks,
        "missed_share": (sent - masks) / sent if sent else None,
        "sent_per_s": _rate(np.array([(stamp - start_ns) / 1e6 for _, stamp in run.sent])),
        "masks_per_s": _rate(arrivals),
        "latency_ms": None if not masks else _latency(latency),
        "jitter_ms": None if not jitter.size else _spread(jitter) | {"std": float(jitter.std())},
        "cpu_percent": run.cpu_percent,
        "memory_mb": run.memory_mb,
        "player_late_ms": float(np.percentile(list(run.sent.values()), 95)) if sent else None,
        "account": account,
    }


def conclude(runs: Sequence[Figures]) -> Figures:
    """Return each figure over all runs, without its best and its worst where there are three.

    Means, except that a largest value is the largest of those kept, and a smallest the smallest.
    """

    def over(values: Sequence[Any], name: str) -> Any:
        known = [value for value in values if value is not None]
        if not known:
            return None
        if isinstance(known[0], Mapping):
            return {key: over([value.get(key) for value in known], key) for key in known[0]}
        kept = sorted(known)[1:-1] if len(known) > OUTLIERS else known
        how: Callable[[list[Any]], Any] = {"max": max, "min": min}.get(name, np.mean)
        return float(how(kept))

    names = [name for name in runs[0] if name != "account"]
    return {name: over([run[name] for run in runs], name) for name in names}


def kept(runs: int) -> int:
    """Return how many of so many runs count for a figure."""
    return runs - OUTLIERS if runs > OUTLIERS else runs


def series(run: RunRecord) -> list[list[float | None]]:
    """Return [seconds since the first, latency in ms or None] of each frame, a thousand at most."""
    if not run.sent:
        return []
    first_ns = next(iter(run.sent))[1]
    points: list[list[float | None]] = [
        [
            round((key[1] - first_ns) * 1e-9, 3),
            round((run.arrived[key] - key[1]) * 1e-6, 2) if key in run.arrived else None,
        ]
        for key in run.sent
    ]
    return points[:: -(-len(points) // SERIES_POINTS)]


def typical(runs: Sequence[Figures]) -> int:
    """Return which run has the median of the mean latencies."""
    means = [(run["latency_ms"] or {}).get("mean", float("inf")) for run in runs]
    return int(np.argsort(means, kind="stable")[(len(means) - 1) // 2])


def _latency(values: NDArray[np.float64]) -> dict[str, float]:
    ends = {"first": float(values[0]), "last": float(values[-1])}
    return {**ends, **_spread(values), **(percentiles(values.tolist()) or {})}


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    return {"min": float(values.min()), "max": float(values.max()), "mean": float(values.mean())}


def _rate(times_ms: NDArray[np.float64]) -> float | None:
    """Return events per second between the first and the last one."""
    if len(times_ms) < 2 or times_ms[-1] <= times_ms[0]:
        return None
    return float((len(times_ms) - 1) / (times_ms[-1] - times_ms[0]) * 1e3)
