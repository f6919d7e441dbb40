# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the segmentation node from outside: camera here, node in a process of its own.

Real messages over real DDS. What the node cannot know, the time until a mask has arrived, is
taken here against the stamp of its image; what it alone knows comes from its ~/debug topics; the
account of frames comes from its diagnostics.
"""

from __future__ import annotations

import itertools
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from nightseg_ros.bundle import default_models_dir, find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.live.figures import RunRecord
from nightseg_ros.evaluation.live.film import Played
from nightseg_ros.evaluation.stand_in import write_stand_ins
from nightseg_ros.ros.live_graph import LiveGraph
from nightseg_ros.ros.statistics import STAGES, percentiles

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
    models_dir: str = ""


def measure(plan: Plan, on_second: Callable[[float], None] = lambda _: None) -> dict[str, Any]:
    """Run the plan and return the figures; `on_second` is told how long it has been measuring."""
    told_s = 0

    def tell(frames: int) -> None:
        nonlocal told_s
        while told_s + 1 <= frames / plan.camera_hz:
            told_s += 1
            on_second(told_s)

    with tempfile.TemporaryDirectory(prefix="nightseg_bench_") as scratch:
        plan = _with_models(plan, Path(scratch))
        parameters = {
            "models_dir": plan.models_dir,
            "engine": plan.engine,
            "fake_delay_ms": plan.engine_delay_ms,
        }
        with LiveGraph(parameters, stages=True) as graph:
            record = graph.run(_images(plan), tell)
            return _results(graph, record, plan)


def _with_models(plan: Plan, scratch: Path) -> Plan:
    """Return the plan with an engine that can run: the fake one needs no real models."""
    folder = Path(plan.models_dir) if plan.models_dir else default_models_dir()
    engine = plan.engine
    if engine == "auto" and (plan.engine_delay_ms or not find_bundles(folder)):
        engine = "fake"
    if engine == "fake":
        folder = scratch
        write_stand_ins(scratch)
    elif plan.engine_delay_ms:
        raise NightsegError(f"a delay needs the fake engine, not '{engine}'; use --engine fake")
    return replace(plan, engine=engine, models_dir=str(folder))


def _images(plan: Plan) -> Iterator[Played]:
    """Yield one image again and again, at the rate of the plan."""
    height, width = plan.height, plan.width
    message = Image(height=height, width=width, step=3 * width, encoding="bgr8")
    message.header.frame_id = "bench_optical"
    message.data = array("B", np.random.default_rng(0).bytes(3 * width * height))
    data = bytes(serialize_message(message))
    for index in itertools.count():
        if index / plan.camera_hz >= plan.seconds:
            return
        yield Played(index / plan.camera_hz, 0, data)


def _results(graph: LiveGraph, record: RunRecord, plan: Plan) -> dict[str, Any]:
    counts = dict(record.account)
    sent, received = len(record.sent), counts.pop("received")
    values = {"latency": record.latencies_ms().tolist(), **graph.node.stages_ms}
    kept = {name: sorted(times[WARM_UP_FRAMES:]) for name, times in values.items()}
    if not kept["latency"]:
        raise NightsegError(
            f"only {len(record.arrived)} masks came back for {sent} images; measure for longer"
        )
    summaries = {name: percentiles(times)._asdict() for name, times in kept.items() if times}
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
        "largest_age_in_engine_times": summaries["age"]["largest"] / max(engine_ms, 1e-3),
        "transport": graph.transport,
        "node_cpu": (record.cpu_percent or float("nan")) / 100.0,
        "node_memory_mb": record.memory_mb,
    }
