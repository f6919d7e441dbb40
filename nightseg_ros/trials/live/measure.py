# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a film into a real graph several times, and sums up the results of the node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from nightseg_ros.metrics.live import RunRecord, conclude, figures, kept, series, typical
from nightseg_ros.replay.background import ReadAhead
from nightseg_ros.trials.live.film import Film, Played
from nightseg_ros.trials.live.graph import LiveGraph, facts
from nightseg_ros.trials.live.search import Trial, highest_rate

WARM_UP_FRAMES = 10
"""Played before anything is measured: connections are made, buffers are allocated."""
TRIAL_S, CONFIRM_S = 5.0, 10.0
TRIAL_FRAMES = 30
"""The least frames of a trial; fewer could not distinguish 5 % from none."""
AHEAD = 8

Progress = Callable[[str, int], None]
"""Called with what is going on and how many frames have been played."""


@dataclass(frozen=True)
class LivePlan:
    """What is measured, and how."""

    parameters: Mapping[str, object]
    """Those of the segmentation node."""
    rate: float = 1.0
    """Speed of playing; 1 is as recorded."""
    runs: int = 7
    find_max_rate: bool = False
    overlay: bool = False
    """Start the overlay node too, for viewers."""
    respect_domain: bool = False
    logs: Path | None = None


def measure_live(
    film: Film,
    plan: LivePlan,
    on_progress: Progress = lambda _what, _done: None,
    on_ready: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return all figures as plain data; `on_ready` is called with the ROS domain of the graph."""
    several = len(film.cameras) > 1
    cameras = [f"camera_{index}" for index in range(len(film.cameras))] if several else [""]
    with LiveGraph(
        plan.parameters,
        cameras,
        compressed=film.compressed,
        overlay=plan.overlay,
        logs=plan.logs,
        respect_domain=plan.respect_domain,
    ) as graph:
        on_ready(graph.domain)
        graph.run(film.head(WARM_UP_FRAMES), lambda done: on_progress("warming up", done))
        records = []
        for index in range(plan.runs):
            name = f"run {index + 1} of {plan.runs}"
            records.append(_play(graph, film, plan.rate, name, on_progress))
        node = facts(graph.node.status)
        found = _search(graph, film, on_progress) if plan.find_max_rate else None
        runs = [figures(record) for record in records]
        shown = typical(runs)
        return {
            "bag": str(film.bag.path),
            "cameras": list(film.cameras),
            "frames": film.frames,
            "unreadable": film.unreadable,
            "damage": film.bag.damage,
            "rate": plan.rate,
            "input_hz": film.hz * plan.rate,
            "images": film.kind,
            "loaded": film.loaded,
            "transport": graph.transport,
            "node": node,
            "runs_asked": plan.runs,
            "runs_kept": kept(plan.runs),
            "summary": conclude(runs),
            "runs": runs,
            "series": series(records[shown]),
            "series_run": shown + 1,
            "max_rate": found,
        }


def _play(graph: LiveGraph, film: Film, rate: float, name: str, on_progress: Progress) -> RunRecord:
    def faster() -> Iterator[Played]:
        for frame in film:
            yield Played(frame.due_s / rate, frame.camera, frame.data)

    def progress(done: int) -> None:
        on_progress(name, done)

    if film.loaded:
        return graph.run(faster(), progress)
    with ReadAhead(faster(), AHEAD) as ahead:
        return graph.run(ahead, progress)


def _search(graph: LiveGraph, film: Film, on_progress: Progress) -> dict[str, Any]:
    frames = film.head()

    def attempt(hz: float, confirms: bool) -> Trial:
        seconds = CONFIRM_S if confirms else TRIAL_S
        count = max(round(hz * seconds), TRIAL_FRAMES)
        again = cycle(frames)
        played = (
            Played(index / hz, frame.camera, frame.data)
            for index, frame in zip(range(count), again, strict=False)
        )
        name = f"{'confirming' if confirms else 'trying'} {hz:.1f} Hz"
        record = graph.run(played, lambda done: on_progress(name, done))
        run = figures(record)
        return Trial(hz, run["sent_per_s"] or 0.0, run["missed_share"], confirms)

    return highest_rate(attempt, film.hz or 10.0)
