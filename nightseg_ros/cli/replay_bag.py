# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One recording through the pipeline, with a progress bar; for every verb that replays.

`replay_job` finds all that the options name; from there on only the job is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, final

import cv2

from nightseg_ros.bags.frames import camera_topics
from nightseg_ros.bundles.bundle import calibrations, domains
from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.machine import cores
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.replay.outputs import ReplayJob
from nightseg_ros.replay.run import finish, replay
from nightseg_ros.replay.score_folders import scored_set
from nightseg_ros.replay.truth import Truth
from nightseg_ros.replay.variants import ALL
from nightseg_ros.trials.live.record import earlier_live

if TYPE_CHECKING:
    from nightseg_ros.bags.source import Bag
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.cli.options.replay import ReplayOptions
    from nightseg_ros.engines.engine import Engine
    from nightseg_ros.replay.jobs import Report

MOST_DECODERS = 8


class FrameCount(Protocol):
    """What shows how far a replay is."""

    total: int | None

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Count finished frames."""


@final
class SentCount:
    """Reports to another process how far a replay is."""

    def __init__(self, report: Report) -> None:
        self.total: int | None = None
        self._report, self._done = report, 0

    def advance(self, steps: int = 1, note: str | None = None) -> None:
        """Count finished frames."""
        self._done += steps
        self._report(self._done, self.total or 0)


class BagReplay(NamedTuple):
    """A recording and how it is replayed, for another process."""

    bag: Path
    options: ReplayOptions


def replay_job(bag: Bag, options: ReplayOptions) -> ReplayJob:
    """Return what is to be replayed, with its models, cameras and ground truth found."""
    if options.out is None:
        raise NightsegError("--out DIR is missing: the folder for replay.json and others")
    route, bundles = options.models.choose(options.route, every=options.route == ALL)
    cameras = camera_topics(bag, options.topic)
    labels = shared_labels(bundles.values())
    truth_labels = find_label_set(options.gt_labels)
    scored = None
    if options.gt:
        named = options.label_set
        scored = find_label_set(named) if named else scored_set(truth_labels, labels)
    return ReplayJob(
        bag=bag,
        cameras=cameras,
        out=options.out,
        route=route,
        labels=labels,
        truth=Truth.find(bag, cameras, options.gt),
        truth_names=options.gt,
        truth_labels=truth_labels,
        scored=scored,
        confidence_threshold=options.confidence_threshold,
        stabilise=options.stabilise,
        drop_invalid=options.drop_invalid,
        masks=options.masks,
        result_bag=options.write,
        bootstrap=options.bootstrap,
        key=_key(bag, cameras, route, bundles, options),
        bundles=bundles,
        decoders=max(1, min(MOST_DECODERS, (options.engines.threads or cores()) // 2)),
    )


def run_job(
    job: ReplayJob,
    engines: Mapping[str, Engine],
    facts: Mapping[str, object] | None = None,
    progress: FrameCount | None = None,
) -> dict[str, object]:
    """Replay, and write the result; `facts` are what else belongs to it."""
    cv2.setNumThreads(1)  # its threads would wait for their turn beside those of the engines
    total = sum(job.bag.topics[camera].count for camera in job.cameras)
    with nullcontext(progress) if progress else Progress(None, "replay") as shown:
        shown.total = total or None

        def advance(topic: str, new: bool) -> None:
            if new:
                shown.advance(note=topic)
            elif shown.total:  # what cost no time must not spoil the time left
                shown.total -= 1

        figures = replay(job, engines, advance)
    result: dict[str, object] = {
        "bag": str(job.bag.path),
        "out": str(job.out),
        "route": job.route,
        "gt": job.truth_names,
        "labels": job.labels.name,
        "models": {role: bundle.name for role, bundle in job.bundles.items()},
        "models_sha256": {role: bundle.sha256 for role, bundle in job.bundles.items()},
        "engines": {role: asdict(engine.info) for role, engine in engines.items()},
        "confidence_threshold": job.confidence_threshold,
        "stabilise": job.stabilise,
        "drop_invalid": job.drop_invalid,
        "live": earlier_live(job.out, job.bag.path),
        **figures,
        **(facts or {}),
    }
    finish(job.out, to_json(result) + "\n")
    return result


def _key(
    bag: Bag, cameras: list[str], route: str, bundles: Mapping[str, Bundle], options: ReplayOptions
) -> dict[str, object]:
    """Return what decides the rows of a replay: only equal ones may be continued."""
    path = bag.path
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return {
        "format": 3,
        "files": [[str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns] for p in files],
        "cameras": cameras,
        "route": route,
        "models": {role: bundle.sha256 for role, bundle in bundles.items()},
        "labels": shared_labels(bundles.values()).name,
        "calibrations": {role: one.to_dict() for role, one in calibrations(bundles).items()},
        "domains": {role: one.to_dict() for role, one in domains(bundles).items()},
        "engine": options.engines.engine,
        "gt": [list(options.gt), options.gt_labels, options.label_set],
        "threshold": options.confidence_threshold,
        "stabilise": options.stabilise,
        "drop_invalid": options.drop_invalid,
        "masks": options.masks,
    }
