# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures how long the segmentation node takes from nothing to configured: models loaded and warm.

Every start is a process of its own, with Python, ROS and the engine's library to load.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.ros.segmentation_node import NAME
from nightseg_ros.trials.child_nodes import ChildNode, child_nodes, isolate
from nightseg_ros.trials.process_usage import ProcessUsage
from nightseg_ros.trials.stand_in import write_stand_ins

POLL_S = 0.005
LIMIT_S = 120.0
_CONFIGURED = re.compile(r"\]: configured: (.+)")
_FAILED = re.compile(r"\]: could not configure: (.+)")


@dataclass(frozen=True)
class Starts:
    """What to start, and how often."""

    engines: tuple[str, ...]
    runs: int = 10
    models_dir: str = ""
    threads: int = 0


def measure(plan: Starts, on_start: Callable[[str], None] = lambda _: None) -> list[dict[str, Any]]:
    """Return a row for each engine; `on_start` is called after each start."""
    isolate(os.environ, always=True)
    with scratch_folder("bench") as scratch:
        models = Path(plan.models_dir) if plan.models_dir else default_models_dir()
        return [_row(engine, plan, models, scratch, on_start) for engine in plan.engines]


def _row(
    engine: str, plan: Starts, models: Path, scratch: Path, on_start: Callable[[str], None]
) -> dict[str, Any]:
    if engine == "fake":
        models = scratch / "models"
        write_stand_ins(models)
    elif not find_bundles(models):
        raise NightsegError(f"there are no models in {models}; name a folder that holds models")
    parameters = {"models_dir": str(models), "engine": engine, "threads": plan.threads}
    seconds: list[float] = []
    cpu: list[float] = []
    loaded = ""
    for run in range(plan.runs):
        node = ChildNode(NAME, parameters, autostart=True)
        try:
            taken_s, cpu_s, loaded = _start(node, scratch / f"{engine}-{run}")
        except NightsegError as error:
            return {"engine": engine, "problem": str(error), "seconds": seconds}
        seconds.append(round(taken_s, 3))
        cpu.append(round(cpu_s, 3))
        on_start(engine)
    return {
        "engine": engine,
        "problem": "",
        "loaded": loaded,
        "seconds": seconds,
        "median_s": median(seconds),
        "largest_s": max(seconds),
        "median_cpu_s": median(cpu),
    }


def _start(node: ChildNode, logs: Path) -> tuple[float, float, str]:
    """Return how long a node took until it was configured, its processor time, and with what.

    The processor time distinguishes a slow start of the node from a busy machine.
    """
    begin_s = time.perf_counter()
    with child_nodes([node], logs) as processes:
        usage = ProcessUsage(processes[node.name].pid)
        while True:
            ended = processes[node.name].poll() is not None
            text = (logs / f"{node.name}.log").read_text(errors="replace")
            taken_s = time.perf_counter() - begin_s
            if found := _CONFIGURED.search(text):
                return taken_s, taken_s * (usage.cpu_percent or 0.0) / 100.0, found[1]
            if ended or taken_s > LIMIT_S:
                failed = _FAILED.search(text)
                raise NightsegError(
                    failed[1] if failed else f"it was not configured after {taken_s:.0f} s"
                )
            time.sleep(POLL_S)
