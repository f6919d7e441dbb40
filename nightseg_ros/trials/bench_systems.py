# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays the same images to our node and to rivals of it, by the rules of ros2_benchmark.

All images lie in memory as bytes before anything is measured; each system runs alone, in a process
of its own, and answers some images first that do not count. It then gets every rate, several times,
the systems taking turns in changing order. All have the same network in ONNX Runtime on the CPU.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.metrics.live import (
    RunRecord,
    conclude,
    series,
    typical,
    under_load,
    while_sending,
)
from nightseg_ros.perception.image_messages import mask_pixels
from nightseg_ros.trials.child_nodes import ChildNode
from nightseg_ros.trials.live.film import at_rate
from nightseg_ros.trials.live.graph import LiveGraph
from nightseg_ros.trials.process_usage import busy_share
from nightseg_ros.trials.rivals.scores_graph import scores_graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OURS, TUTORIAL, DETECTOR = "nightseg_ros", "tutorial node", "detector node"
SYSTEMS = {
    OURS: "this node, route day",
    TUTORIAL: "as Nav2's tutorial is described: a queue of 10 images, the network in the callback, "
    "soft-max in numpy",
    DETECTOR: "as wrappers of YOLO are built: the newest image, the network in the callback, "
    "conversion by copies",
}
WARM_UP_FRAMES, WARM_UP_HZ = 10, 10.0


@dataclass(frozen=True)
class Plan:
    """What is played to all systems; the parameters are those of our node for the same network."""

    bundle: Bundle
    parameters: dict[str, object]
    rates: Sequence[float] = (5.0, 10.0, 15.0, 30.0)
    seconds: float = 4.0
    runs: int = 3
    threads: int = 0


def measure(
    frames: Sequence[bytes], plan: Plan, on_cell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the figures of each system at each rate; `frames` are serialised raw images."""
    records: dict[tuple[str, float], list[RunRecord]] = defaultdict(list)
    masks: dict[str, NDArray[np.uint8]] = {}
    busy: list[float] = []
    with scratch_folder("systems") as scratch:
        (scratch / "model.onnx").write_bytes(plan.bundle.read_model())
        (scratch / "scores.onnx").write_bytes(scores_graph(plan.bundle))
        for run, name in _turns(plan.runs):
            arrived: list[bytes] = []
            busy.append(busy_share())
            with _graph(name, plan, scratch, arrived) as graph:
                graph.run(at_rate(frames[:1], WARM_UP_HZ, WARM_UP_FRAMES / WARM_UP_HZ))
                if not arrived:
                    raise NightsegError(f"{name} sent no mask for {WARM_UP_FRAMES} images")
                masks[name] = mask_pixels(deserialize_message(arrived[-1], Image))
                for hz in plan.rates:
                    records[name, hz].append(graph.run(at_rate(frames, hz, plan.seconds)))
                    on_cell(f"{name}, {hz:g} Hz, run {run + 1}")
    return {
        "model": plan.bundle.name,
        "systems": SYSTEMS,
        "seconds": plan.seconds,
        "runs": plan.runs,
        "frames": len(frames),
        "transport": graph.transport,
        "busy": busy,
        "same_pixels": {name: float((mask == masks[OURS]).mean()) for name, mask in masks.items()},
        "rows": [
            {
                "name": name,
                "hz": hz,
                **conclude([under_load(record) for record in records[name, hz]]),
            }
            for name in SYSTEMS
            for hz in plan.rates
        ],
        "series": {name: _typical_series(records[name, plan.rates[-1]]) for name in SYSTEMS},
    }


def _turns(runs: int) -> Iterator[tuple[int, str]]:
    """Yield run and system; every second run goes through the systems backwards."""
    names = list(SYSTEMS)
    for run in range(runs):
        for name in names[:: -1 if run % 2 else 1]:
            yield run, name


def _graph(
    name: str, plan: Plan, scratch: Path, arrived: list[bytes]
) -> AbstractContextManager[LiveGraph]:
    def keep(_: int, mask: bytes) -> None:
        arrived[:] = [mask]

    if name == OURS:
        return LiveGraph({**plan.parameters, "threads": plan.threads}, on_mask=keep)
    module, file = {
        TUTORIAL: ("tutorial_node", "scores.onnx"),
        DETECTOR: ("detector_node", "model.onnx"),
    }[name]
    rival = ChildNode(
        module,
        {"model": str(scratch / file), "threads": plan.threads},
        module=f"nightseg_ros.trials.rivals.{module}",
    )
    return LiveGraph({}, on_mask=keep, rival=rival)


def _typical_series(records: Sequence[RunRecord]) -> list[list[float | None]]:
    return series(while_sending(records[typical([under_load(record) for record in records])]))
