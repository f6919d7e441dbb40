# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline of the node over every frame of a bag: no ROS, no lost frame, bag time.

A thread reads ahead and decodes, this one runs the engines, another one scores and writes. Each
frame leaves a row in a file, so that a replay that was stopped goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from nightseg_ros.atomic import write_atomically
from nightseg_ros.engines.engine import Engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.frames import BagFrame, FrameReader, Piece
from nightseg_ros.evaluation.bags.result import ResultBag
from nightseg_ros.evaluation.bags.source import Bag
from nightseg_ros.evaluation.machine import machine
from nightseg_ros.evaluation.replay.background import ReadAhead, WriteBehind
from nightseg_ros.evaluation.replay.outputs import Outputs, ReplayJob
from nightseg_ros.evaluation.replay.report import FRAMES, REPORT, RESULT, write_replay_report
from nightseg_ros.evaluation.replay.rows import PARTIAL, RowFile
from nightseg_ros.evaluation.replay.summary import Summary
from nightseg_ros.evaluation.replay.truth import Truth
from nightseg_ros.evaluation.replay.variants import ALL, Variants
from nightseg_ros.perception.pipeline import FrameResult
from nightseg_ros.perception.status import backend_report
from nightseg_ros.routes import AUTO


def replay(
    job: ReplayJob, engines: Mapping[str, Engine], advance: Callable[[str, bool], None]
) -> dict[str, Any]:
    """Replay the bag, write the results into `job.out`, and return them.

    `advance` is told the topic of each frame, and whether it was new or known from before.
    """
    variants = Variants(engines, job.route, job.confidence_threshold)
    summary = Summary(variants.names, job.scored)
    job.out.mkdir(parents=True, exist_ok=True)
    # A bag that was half written cannot be continued, so with one every frame is run again.
    rows = RowFile(job.out, dict(job.key or {}), resume=job.result_bag is None)
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
        # Their masks are needed again: those of the next frames are compared with them.
        latest = frozenset(rows.latest().values())
        reader = FrameReader(job.bag, job.cameras, job.truth.topics, skip=done, also=latest)
        start_s = time.perf_counter()
        known = rows.rows()
        frames = stack.enter_context(
            ReadAhead.of(partial(_decoded, reader, job.truth), reader.pieces(), job.decoders)
        )
        with WriteBehind() as writer:
            for frame in frames:
                if frame.index < done:
                    row = next(known)
                    if frame.image is None:
                        variants.recall(row)
                    else:
                        out.remember(frame, variants.process(frame))
                    out.recall(row)
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
    """Write replay.json, with which the rows of the frames are done with, and the report."""
    write_atomically(out / RESULT, text.encode())
    (out / PARTIAL).unlink(missing_ok=True)
    write_replay_report([out], out / REPORT)


def _decoded(reader: FrameReader, truth: Truth, piece: Piece) -> BagFrame:
    frame = reader.decode(piece)
    return replace(frame, truth=truth.of(frame)) if frame.image is not None else frame


def _engine_ms(results: dict[str, FrameResult]) -> float:
    """Return the time in the engines; `auto` beside other routes ran nothing of its own."""
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
