# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the node's pipeline over every frame of a bag: without ROS, without drops, in bag time.

One thread reads ahead and decodes, this one runs the engines, another one scores and writes. Each
frame adds a row to a file, so that a stopped replay resumes where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bags.frames import BagFrame, FrameReader, Piece
from nightseg_ros.bags.result import ResultBag
from nightseg_ros.bundles.bundle import calibrations, domains
from nightseg_ros.bundles.routes import AUTO
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.machine import machine
from nightseg_ros.perception.status import backend_report
from nightseg_ros.replay.background import ReadAhead, WriteBehind
from nightseg_ros.replay.outputs import Outputs, ReplayJob
from nightseg_ros.replay.report import FRAMES, REPORT, RESULT, write_replay_report
from nightseg_ros.replay.rows import PARTIAL, RowFile
from nightseg_ros.replay.summary import Summary
from nightseg_ros.replay.variants import ALL, Variants

if TYPE_CHECKING:
    from nightseg_ros.bags.source import Bag
    from nightseg_ros.engines.engine import Engine
    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.replay.truth import Truth


def replay(
    job: ReplayJob, engines: Mapping[str, Engine], advance: Callable[[str, bool], None]
) -> dict[str, Any]:
    """Replay the bag, write the results into `job.out`, and return them.

    `advance` gets the topic of each frame, and whether it is new or from an earlier replay.
    """
    variants = Variants(
        engines,
        job.route,
        job.confidence_threshold,
        job.labels.count,
        calibrations(job.bundles or {}),
        domains(job.bundles or {}),
        stabilise=job.stabilise,
    )
    summary = Summary(variants.names, job.scored)
    job.out.mkdir(parents=True, exist_ok=True)
    # An unfinished result bag cannot be continued, nor masks that depend on all frames before.
    resume = job.result_bag is None and not job.stabilise
    rows = RowFile(job.out, dict(job.key), resume=resume)
    done, engine_ms, new = rows.done, 0.0, 0
    with ExitStack() as stack:
        stack.callback(rows.close)
        out = Outputs(job, rows, summary, variants.names)
        if job.result_bag is not None:
            infos = {role: engine.info for role, engine in engines.items()}
            backend = backend_report(job.bundles, infos) if job.bundles else None
            route = AUTO if job.route == ALL else job.route
            out.bag = stack.enter_context(
                ResultBag(job.result_bag, job.cameras, job.labels, route, backend)
            )
        # The masks of the next frames are compared with those of these frames.
        latest = set(rows.latest().values())
        reader = FrameReader(job.bag, job.cameras, job.truth.topics)
        start_s = time.perf_counter()
        known = rows.rows()
        frames = stack.enter_context(
            ReadAhead.of(partial(_decoded, reader, job.truth), reader.pieces(), job.decoders)
        )
        with WriteBehind() as writer:
            for frame in frames:
                if frame.index < done:
                    row = next(known)
                    if frame.index in latest:
                        out.remember(frame, variants.process(frame))
                    else:
                        variants.recall(row)
                    out.recall(row, frame)
                    start_s = time.perf_counter()
                else:
                    results = {} if frame.image is None else variants.process(frame)
                    engine_ms += _engine_ms(results)
                    new += 1
                    writer.submit(out.write, frame, results)
                advance(frame.topic, frame.index >= done)
        seconds = time.perf_counter() - start_s
    figures = summary.to_dict(job.bootstrap)
    if not figures["frames"] + figures["failed"]:
        why = f" before its damage ({job.bag.damage})" if job.bag.damage else ""
        raise NightsegError(f"{job.bag.path} has no frames on {', '.join(job.cameras)}{why}")
    result = {
        **figures,
        "classes": job.labels.to_dict()["classes"],
        "scored": None if job.scored is None else job.scored.to_dict(),
        "policy": asdict(variants.policy),
        "machine": machine(),
        "stopped": _stopped(job.bag, summary),
        "resumed": done,
        "seconds": seconds,
        "frames_per_s": new / seconds if new else None,
        "engine_share": engine_ms / 1e3 / seconds if engine_ms else None,
    }
    rows.write_csv(job.out / FRAMES, variants.names)
    return result


def finish(out: Path, text: str) -> None:
    """Write replay.json, remove the file of rows, and write the report."""
    write_atomically(out / RESULT, text.encode())
    (out / PARTIAL).unlink(missing_ok=True)
    write_replay_report([out], out / REPORT)


def _decoded(reader: FrameReader, truth: Truth, piece: Piece) -> BagFrame:
    frame = reader.decode(piece)
    return replace(frame, truth=truth.of(frame)) if frame.image is not None else frame


def _engine_ms(results: dict[str, FrameResult]) -> float:
    """Return the time in the engines; `auto` next to other routes runs nothing itself."""
    ran = [result for name, result in results.items() if name != AUTO or len(results) == 1]
    return sum(result.engine_ms for result in ran)


def _stopped(bag: Bag, summary: Summary) -> dict[str, Any] | None:
    if not bag.damage:
        return None
    last = summary.last_bag_ns
    where = "before the first frame" if last is None else f"after the frame at {last / 1e9:.3f} s"
    return {
        "reason": bag.damage,
        "last_bag_ns": last,
        "text": f"{where} of bag time, the recording is damaged: {bag.damage}",
    }
