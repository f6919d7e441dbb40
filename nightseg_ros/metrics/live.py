# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a live run and of a series of runs, by the rules of ros2_benchmark.

Latency is the time from the stamp of an image, taken at its publication, to the arrival of its mask
at its publisher. Jitter is the change between successive intervals of masks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.metrics.percentiles import percentile, percentiles

Figures = dict[str, Any]

SERIES_POINTS = 1000
OUTLIERS = 2
"""For each figure the best and the worst run are left out, if at least one remains."""


@dataclass
class RunRecord:
    """The record of one run; camera and stamp in ns identify a frame."""

    sent: dict[tuple[int, int], float] = field(default_factory=dict)
    """Frame -> delay of its publication in ms."""
    arrived: dict[tuple[int, int], int] = field(default_factory=dict)
    """Frame -> arrival of its mask, in ns of the graph's clock."""
    account: dict[str, int] = field(default_factory=dict)
    """The node's counts for this run: received, published, dropped, rejected."""
    cpu_percent: float | None = None
    memory_mb: float | None = None

    def latencies_ms(self) -> NDArray[np.float64]:
        """Return the latency of each answered frame, in the order of sending."""
        return np.array(
            [(self.arrived[key] - key[1]) * 1e-6 for key in self.sent if key in self.arrived]
        )


def figures(run: RunRecord) -> Figures:
    """Return the figures of one run, None for those without measurements."""
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
        "player_late_ms": percentile(sorted(run.sent.values()), 0.95) if sent else None,
        "account": account,
    }


def while_sending(run: RunRecord) -> RunRecord:
    """Return the run with those masks only that came before its last image."""
    last_ns = max((stamp for _, stamp in run.sent), default=0)
    arrived = {key: at_ns for key, at_ns in run.arrived.items() if at_ns <= last_ns}
    return replace(run, arrived=arrived)


def under_load(run: RunRecord) -> Figures:
    """Return the same figures, with age and rate of the masks that came while images came.

    After the last image a node only empties its queues. Where many cameras wait for one network,
    these frames grow older than any while newer ones replace them.
    """
    loaded = figures(while_sending(run))
    return figures(run) | {key: loaded[key] for key in ("latency_ms", "masks_per_s", "jitter_ms")}


def conclude(runs: Sequence[Figures]) -> Figures:
    """Return each figure over all runs, without its best and worst if there are three.

    They are means; a maximum is the maximum of the kept runs, and a minimum their minimum.
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
    """Return the number of runs that count for a figure."""
    return runs - OUTLIERS if runs > OUTLIERS else runs


def series(run: RunRecord) -> list[list[float | None]]:
    """Return [seconds since the first, latency in ms or None] per frame, at most a thousand."""
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
    """Return the index of the run with the median mean latency."""
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
