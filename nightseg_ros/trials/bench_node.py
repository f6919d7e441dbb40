# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the segmentation node from outside: camera here, node in a process of its own.

Real messages over real DDS. What the node cannot know, the time until a mask has arrived, is
taken here against the stamp of its image; what it alone knows comes from its ~/debug topics; the
account of frames comes from its diagnostics.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.ros.statistics import STAGES
from nightseg_ros.trials.live.film import Played
from nightseg_ros.trials.live.graph import LiveGraph
from nightseg_ros.trials.soak import serialised
from nightseg_ros.trials.stand_in import write_stand_ins

if TYPE_CHECKING:
    from nightseg_ros.metrics.live import RunRecord

WARM_UP_FRAMES = 10


@dataclass(frozen=True)
class Plan:
    """What is measured."""

    seconds: float = 20.0
    width: int = 1280
    height: int = 720
    camera_hz: float = 10.0
    engine: str = "auto"
    engine_delay_ms: float = 0.0
    models: str = ""

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the node that say which engine runs which models."""
        return {
            "models_dir": self.models,
            "engine": self.engine,
            "fake_delay_ms": self.engine_delay_ms,
        }


def measure(plan: Plan, on_second: Callable[[float], None] = lambda _: None) -> dict[str, Any]:
    """Run the plan and return the figures; `on_second` is called with the seconds passed."""
    reported_s = 0

    def progress(frames: int) -> None:
        nonlocal reported_s
        while reported_s + 1 <= frames / plan.camera_hz:
            reported_s += 1
            on_second(reported_s)

    with scratch_folder("bench") as scratch:
        plan = with_models(plan, scratch)
        with LiveGraph(plan.parameters(), stages=True) as graph:
            record = graph.run(_images(plan), progress)
            return _results(graph, record, plan)


def with_models(plan: Plan, scratch: Path) -> Plan:
    """Return the plan with an engine that can run: the fake one needs no real models."""
    folder = Path(plan.models) if plan.models else default_models_dir()
    engine = plan.engine
    if engine == "auto" and (plan.engine_delay_ms or not find_bundles(folder)):
        engine = "fake"
    if engine == "fake":
        folder = scratch
        write_stand_ins(scratch)
    elif plan.engine_delay_ms:
        raise NightsegError(f"a delay needs the fake engine, not '{engine}'; use --engine fake")
    return replace(plan, engine=engine, models=str(folder))


def _images(plan: Plan) -> Iterator[Played]:
    """Yield one image again and again, at the rate of the plan."""
    shape = (plan.height, plan.width, 3)
    (data,) = serialised([np.random.default_rng(0).integers(0, 256, shape, np.uint8)])
    for index in itertools.count():
        if index / plan.camera_hz >= plan.seconds:
            return
        yield Played(index / plan.camera_hz, 0, data)


def _results(graph: LiveGraph, record: RunRecord, plan: Plan) -> dict[str, Any]:
    counts = dict(record.account)
    sent, received = len(record.sent), counts.pop("received")
    values = {"latency": record.latencies_ms().tolist(), **graph.node.stages_ms}
    kept = {name: times[WARM_UP_FRAMES:] for name, times in values.items()}
    if not kept["latency"]:
        raise NightsegError(
            f"only {len(record.arrived)} masks came back for {sent} images; measure for longer"
        )
    summaries = {name: p for name, times in kept.items() if (p := percentiles(times))}
    missing = [figure for figure in STAGES if figure not in summaries]
    if missing:
        raise NightsegError(f"the node sent no figures of {', '.join(missing)}; measure for longer")
    engine_ms = summaries["inference"]["p50"] + summaries["translate"]["p50"]
    backend = graph.node.status.get("backend", {})
    return {
        "image": f"{plan.width}x{plan.height} bgr8 at {plan.camera_hz:g} Hz",
        "engine": backend.get("day.engine", plan.engine),
        "provider": backend.get("day.provider", ""),
        "seconds": plan.seconds,
        "sent": sent,
        "masks_back": len(record.arrived),
        "received": received,
        **counts,
        "lost_by_middleware": sent - received,
        "account_exact": received == sum(counts.values()),
        "milliseconds": summaries,
        "engine_ms": engine_ms,
        "largest_age_in_engine_times": summaries["age"]["max"] / max(engine_ms, 1e-3),
        "transport": graph.transport,
        "node_cpu": (record.cpu_percent or float("nan")) / 100.0,
        "node_memory_mb": record.memory_mb,
    }
