# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg view`: a recording and what the pipeline makes of it, in the Rerun viewer."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from nightseg_ros.cli.engine_options import add_engine_options, chosen_engines
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.replay import chosen_bundles
from nightseg_ros.cli.segment_inputs import count_frames, find_inputs, read_frames
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.find import is_bag
from nightseg_ros.evaluation.bags.frames import FrameReader, camera_name, camera_topics
from nightseg_ros.evaluation.bags.video import open_recording
from nightseg_ros.evaluation.rerun_log import RerunLog, load_rerun
from nightseg_ros.evaluation.view import ViewFrame, bag_frames, view
from nightseg_ros.model_choice import shared_labels
from nightseg_ros.perception.pipeline import Pipeline, PipelineSettings
from nightseg_ros.routes import AUTO, CHOICES

CAMERA = "images"
IMAGES_HZ = 10.0
"""How fast the images of a folder follow each other on the time line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg view`."""
    add = parser.add_argument
    add("input", type=Path, help="a bag, a video, or a folder of images")
    add("--route", choices=CHOICES, default=AUTO, help="(default: auto)")
    add(
        "--save",
        type=Path,
        metavar="OUT.rrd",
        help="write a file for `rerun OUT.rrd` instead of starting the viewer",
    )
    add(
        "--connect",
        metavar="URL",
        help="send to a viewer that runs already, as in rerun+http://HOST:9876/proxy",
    )
    add(
        "--memory",
        default="2GB",
        metavar="SIZE",
        help="the viewer drops the oldest frames over this (default 2GB)",
    )
    add(
        "--topic",
        action="append",
        default=[],
        metavar="NAME",
        help="camera topic of a bag; may be repeated (default: all images that are no masks)",
    )
    add("--every", type=int, default=1, metavar="N", help="show every N-th frame (default 1)")
    add("--models", type=Path, metavar="DIR", help="models folder (default: the installed models)")
    add("--model", action="append", default=[], metavar="NAME", help="use this model; repeatable")
    add_engine_options(parser)
    add(
        "--confidence-threshold",
        type=float,
        default=0.0,
        metavar="0..1",
        help="pixels below it become 255, unlabelled (default: 0, keep all)",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Show the recording, or write it down for later."""
    if args.every < 1:
        raise NightsegError(f"--every is {args.every}, need 1 or more")
    if args.save is not None and args.connect is not None:
        raise NightsegError("--save and --connect exclude each other")
    rerun = load_rerun()
    cameras, frames, total = _source(args.input, args.topic)
    bundles = chosen_bundles(args)
    log = RerunLog(rerun, shared_labels(bundles.values()), cameras)
    if args.save is not None:
        log.save(args.save)
    elif args.connect is not None:
        log.send(args.connect)
    else:
        log.show(args.memory)
    try:
        engines = chosen_engines(bundles, args)
        try:
            settings = PipelineSettings(
                route=args.route, confidence_threshold=args.confidence_threshold
            )
            with Progress(total or None, "view") as progress:
                counts = view(
                    frames,
                    Pipeline(engines, settings),
                    log,
                    lambda camera: progress.advance(note=camera),
                    args.every,
                )
            infos = {role: asdict(engine.info) for role, engine in engines.items()}
        finally:
            for engine in engines.values():
                engine.close()
    finally:
        log.close()
    return {
        "input": str(args.input),
        "save": None if args.save is None else str(args.save),
        "cameras": cameras,
        **counts,
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "engines": infos,
        "exit_code": 0 if counts["frames"] else 2,
    }


def render(result: dict[str, object]) -> str:
    """Return one line."""
    cameras = result["cameras"]
    assert isinstance(cameras, list)
    text = f"{result['frames']} frames of {', '.join(cameras)}"
    if result["failed"]:
        text += f" ({result['failed']} could not be read)"
    if result["save"]:
        text += f" in {result['save']}; look at them with: rerun {result['save']}"
    return text


def _source(path: Path, topics: list[str]) -> tuple[list[str], Iterator[ViewFrame], int]:
    """Return the cameras, their frames, and about how many these are."""
    if path.is_dir() and not is_bag(path):
        files = find_inputs([path])
        return [CAMERA], _images(files), sum(count_frames(file) for file in files)
    bag = open_recording(path)
    named = camera_topics(bag, topics)
    total = sum(bag.topics[topic].count for topic in named)
    return [camera_name(topic) for topic in named], bag_frames(FrameReader(bag, named)), total


def _images(files: list[Path]) -> Iterator[ViewFrame]:
    index = 0
    for file in files:
        start_s, new_scene = index / IMAGES_HZ, True
        try:
            for frame in read_frames(file):
                now_s = start_s + frame.time_s
                at_ns = round(now_s * 1e9)
                yield ViewFrame(index, CAMERA, at_ns, now_s, frame.image, new_scene=new_scene)
                index, new_scene = index + 1, False
        except NightsegError:
            yield ViewFrame(index, CAMERA, round(start_s * 1e9), start_s, None)
            index += 1
