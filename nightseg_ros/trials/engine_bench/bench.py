# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A fair race: all contenders wait while one runs, in an order that is reversed after each round.

Whatever else the machine does, and however its clock changes while it grows warm, then meets all
contenders alike, and the ceilings too, which run in the same rounds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.machine import cores, processor
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.trials.engine_bench.child import Child, gpu_fact
from nightseg_ros.trials.engine_bench.gemm import SIDE
from nightseg_ros.trials.process_usage import IDLE_BUSY_SHARE, busy_share

LONGEST_WAIT_S, ALL_WAITS_S = 2.0, 20.0
GEMM_SECONDS = 0.25

Row = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """What goes into the row of a table, and what its process has to run."""

    facts: Mapping[str, Any]
    spec: Mapping[str, Any]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """How long to measure; `least` runs of each contender in each round, whatever they take."""

    rounds: int = 2
    seconds: float = 0.5
    least: int = 2
    threads: int = 0
    gemm_side: int = SIDE
    module: str = "nightseg_ros.cli.bench_cell"

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 0 <= self.seconds <= 600 or self.threads < 0:
            raise NightsegError(
                f"{self.rounds} rounds of {self.seconds:g} s on {self.threads} threads cannot be "
                "measured; take at least one round, 0 to 600 seconds, and 0 or more threads"
            )


@dataclass
class _Lane:
    """A contender under way."""

    facts: Mapping[str, Any]
    child: Child
    times_ms: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    failure: str = ""


@final
class Bench:
    """Runs groups of contenders, with the ceilings beside each group."""

    def __init__(self, plan: Plan, advance: Callable[[str], None] = lambda _: None) -> None:
        self.plan = plan
        self.left_out: list[dict[str, str]] = []
        self._advance = advance
        self._ceilings: dict[tuple[str, str], _Lane] = {}
        self._patience_s = ALL_WAITS_S

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        for lane in self._ceilings.values():
            lane.child.close()

    def find_ceilings(self, ways: Iterable[tuple[str, str]]) -> None:
        """Try each (library, precision) and keep the fastest of each device and precision."""
        for way, precision in ways:
            side = self.plan.gemm_side
            spec = {"kind": "gemm", "way": way, "precision": precision, "side": side}
            facts = {"way": way, "precision": precision}
            lane = self._start(Contender(facts, spec), report=False)
            if lane is None:
                continue
            self._run(lane, GEMM_SECONDS, settle=False)
            key = (device_kind(lane.child.facts["device"]), precision)
            best = self._ceilings.get(key)
            if lane.failure or (best is not None and p50(best) <= p50(lane)):
                lane.child.close()
                continue
            if best is not None:
                best.child.close()
            self._ceilings[key] = lane
        for lane in self._ceilings.values():
            lane.times_ms.clear()

    def race(self, contenders: Sequence[Contender]) -> list[Row]:
        """Measure one group; those that cannot run go to `left_out` with the reason."""
        lanes: list[_Lane] = []
        try:
            for contender in contenders:
                lane = self._start(contender)
                if lane is not None:
                    lanes.append(lane)
            for index in range(self.plan.rounds if lanes else 0):
                for lane in [*self._ceilings.values(), *lanes][:: -1 if index % 2 else 1]:
                    if not lane.failure:
                        gemm = "way" in lane.facts
                        self._run(lane, GEMM_SECONDS if gemm else self.plan.seconds)
            for lane in lanes:
                if lane.failure:
                    self.leave_out(lane.facts, lane.failure)
            return [self._row(lane) for lane in lanes if not lane.failure]
        finally:
            for lane in lanes:
                lane.child.close()

    def ceilings(self) -> list[Row]:
        """Return the matrix products that the shares are shares of."""
        return [
            {
                "device": device,
                "precision": precision,
                "library": lane.facts["way"],
                "side": lane.child.facts["side"],
                "ms": p50(lane),
                "gflops": 2e-6 * lane.child.facts["side"] ** 3 / p50(lane),
            }
            for (device, precision), lane in self._ceilings.items()
            if lane.times_ms
        ]

    def _start(self, contender: Contender, *, report: bool = True) -> _Lane | None:
        spec = {**contender.spec, "threads": self.plan.threads}
        env = {"OPENBLAS_NUM_THREADS": str(self.plan.threads)} if self.plan.threads else {}
        try:
            child = Child(self.plan.module, spec, {**env, **contender.env})
        except NightsegError as error:
            if report:
                self.leave_out(contender.facts, str(error))
            return None
        self._advance(_name(contender.facts))
        return _Lane(contender.facts, child)

    def _run(self, lane: _Lane, seconds: float, *, settle: bool = True) -> None:
        if settle:
            lane.busy.append(self._settle())
        try:
            answer = lane.child.run(seconds, self.plan.least)
        except NightsegError as error:
            lane.failure = str(error)
            return
        self._advance(_name(lane.facts))
        lane.times_ms += answer["ms"]
        lane.peak_mb = max(lane.peak_mb, answer["peak_mb"])

    def leave_out(self, facts: Mapping[str, Any], reason: str) -> None:
        """Note what cannot be measured, once."""
        entry = {"engine": str(facts["engine"]), "network": str(facts["network"]), "reason": reason}
        if entry not in self.left_out:
            self.left_out.append(entry)

    def _row(self, lane: _Lane) -> Row:
        ms = np.asarray(lane.times_ms)
        child = lane.child.facts
        times = percentiles(lane.times_ms) or {}
        row: Row = {**lane.facts, **{key: child.get(key) for key in _OF_THE_CHILD}}
        macs = row.get("macs")
        row |= {
            "runs": len(ms),
            **{f"{name}_ms": times[name] for name in ("p50", "p95", "p99")},
            "least_ms": float(ms.min()),
            "images_per_s": 1e3 * row["batch"] / float(ms.mean()),
            "peak_mb": lane.peak_mb,
            "gpu_mb": child.get("gpu_mb"),
            "note": child.get("fallback_reason") or "",
            "gflops": 2e-6 * macs / times["p50"] if macs else None,
            "blocks": len(lane.busy),
            "busy_blocks": sum(share > IDLE_BUSY_SHARE for share in lane.busy),
        }
        return row

    def _settle(self) -> float:
        """Wait a little for the machine to become idle; return how busy it still was."""
        start_s = time.perf_counter()
        while True:
            share = busy_share()
            waited_s = time.perf_counter() - start_s
            if share <= IDLE_BUSY_SHARE or waited_s > min(LONGEST_WAIT_S, self._patience_s):
                self._patience_s -= waited_s if share > IDLE_BUSY_SHARE else 0.0
                return share


_OF_THE_CHILD = ("backend", "provider", "device", "precision", "ready_s")


def _name(facts: Mapping[str, Any]) -> str:
    return f"{facts['network']}, {facts['engine']}" if "engine" in facts else "matrix products"


def add_shares(rows: Iterable[Row], ceilings: Iterable[Mapping[str, Any]]) -> None:
    """Give each row its share of the ceiling of its device and precision, None without one."""
    best = {(c["device"], c["precision"]): c["gflops"] for c in ceilings}
    for row in rows:
        ceiling = best.get((device_kind(row["device"]), row["precision"]))
        row["share"] = row["gflops"] / ceiling if ceiling and row["gflops"] else None


def device_kind(device: str) -> str:
    """Return gpu or cpu.

    >>> device_kind("cuda:0"), device_kind("cpu")
    ('gpu', 'cpu')
    """
    return "gpu" if device.lower().startswith(("cuda", "gpu")) else "cpu"


def drop_hopeless(engines: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Return the engines that ran anything: the others would fail again, for the same reason."""
    ran = {row["engine"] for row in rows}
    return [engine for engine in engines if engine in ran]


def p50(lane: _Lane) -> float:
    """Return the median time of a lane, infinite where it has run nothing."""
    return float(np.median(lane.times_ms)) if lane.times_ms else float("inf")


def machine() -> dict[str, Any]:
    """Return what the figures are figures of."""
    return {"cpu": processor(), "cores": cores(), "gpu": gpu_fact("name")}
