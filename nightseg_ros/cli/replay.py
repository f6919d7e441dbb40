# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay`: the pipeline of the node over every frame of a recorded drive; no ROS."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from nightseg_ros.bundle import Bundle, default_models_dir
from nightseg_ros.cli.engine_options import add_engine_options, chosen_engines
from nightseg_ros.cli.evaluate import load_models
from nightseg_ros.cli.live import add_live_arguments, measure
from nightseg_ros.cli.plain import to_json
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.replay_many import (
    FrameCount,
    SentCount,
    add_many_arguments,
    digest,
    finished,
    many,
    replay_many,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.find import find_bags
from nightseg_ros.evaluation.bags.frames import camera_topics
from nightseg_ros.evaluation.bags.source import Bag
from nightseg_ros.evaluation.bags.video import open_recording
from nightseg_ros.evaluation.live.record import earlier_live
from nightseg_ros.evaluation.live.text import render_live
from nightseg_ros.evaluation.replay.jobs import Report, cores
from nightseg_ros.evaluation.replay.many import render_many
from nightseg_ros.evaluation.replay.outputs import ReplayJob
from nightseg_ros.evaluation.replay.run import finish, replay
from nightseg_ros.evaluation.replay.summary import render_replay
from nightseg_ros.evaluation.replay.truth import Truth
from nightseg_ros.evaluation.replay.variants import ALL
from nightseg_ros.evaluation.score_folders import scored_set
from nightseg_ros.labels import label_set
from nightseg_ros.model_choice import choose_bundles, shared_labels
from nightseg_ros.routes import AUTO, CHOICES, ENGINES_OF

MOST_DECODERS = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg replay`."""
    add = parser.add_argument
    add(
        "bag",
        nargs="+",
        type=Path,
        help="rosbag2 folders, .mcap or .db3 files, videos; also patterns, and folders of bags",
    )
    add("--out", type=Path, metavar="DIR", help="where replay.json and others go")
    add(
        "--topic",
        action="append",
        default=[],
        metavar="NAME",
        help="camera topic; may be repeated (default: all images that are no masks)",
    )
    add(
        "--route",
        choices=(*CHOICES, ALL),
        default=AUTO,
        help="route of every frame; all compares all routes and auto (default auto)",
    )
    add(
        "--gt",
        action="append",
        default=[],
        metavar="[CAMERA=]TOPIC|DIR",
        help="ground truth: a mono8 topic with the stamps of the images, or a folder of "
        "<stamp in ns>.png; may be repeated",
    )
    add(
        "--gt-labels",
        default="cityscapes19",
        metavar="NAME",
        help="label set of the ground truth (default cityscapes19)",
    )
    add("--label-set", metavar="NAME", help="label set to score in (default: the finest possible)")
    add("--bootstrap", type=int, default=1000, metavar="N", help="rounds for the 95 %% interval")
    add("--masks", action="store_true", help="write masks/CAMERA/<stamp in ns>.png")
    add(
        "--write",
        type=Path,
        metavar="OUT.mcap",
        help="write mask, overlay, route and diagnostics with the stamps of the images to a bag; "
        "such a replay always runs from the first frame",
    )
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
    add_many_arguments(parser)
    add_live_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Replay the bag, or all of them."""
    bags = find_bags(args.bag, args.out)
    if many(args, bags) and not args.live:
        return replay_many(args, bags, replay_part)
    if len(bags) > 1:
        raise NightsegError(f"--live plays one bag, not {len(bags)}; name one")
    bag = open_recording(bags[0])
    if args.live:
        if args.route == ALL:
            raise NightsegError("--live measures one route, not all; name it with --route")
        return measure(args, bag, camera_topics(bag, args.topic), chosen_bundles(args))
    if args.out is None:
        raise NightsegError("--out DIR is missing: the folder for replay.json and others")
    return replay_bag(args, bag)


def replay_part(options: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Replay one of many bags, in a process of its own; what is done already is only read."""
    args = argparse.Namespace(**options)
    bag = open_recording(args.bag[0])
    cameras = camera_topics(bag, args.topic)
    key = digest(replay_key(args, bag, cameras, chosen_bundles(args)) | {"rounds": args.bootstrap})
    known = finished(args, key)
    if known is None and args.write is not None:  # what another call left in our own folder
        args.write.unlink(missing_ok=True)
    return known or replay_bag(args, bag, {"key": key}, SentCount(report))


def replay_bag(
    args: argparse.Namespace,
    bag: Bag,
    facts: Mapping[str, object] | None = None,
    progress: FrameCount | None = None,
) -> dict[str, object]:
    """Replay a recording that is open already; `facts` are what else belongs to the result."""
    if args.out.exists() and not args.out.is_dir():
        raise NightsegError(f"--out {args.out} is a file; name a folder")
    cameras = camera_topics(bag, args.topic)
    bundles = chosen_bundles(args)
    labels = shared_labels(bundles.values())
    truth = Truth.find(bag, cameras, args.gt)
    scored = None
    if args.gt:
        scored = label_set(args.label_set or scored_set(args.gt_labels, labels.name))
    job = ReplayJob(
        bag,
        cameras,
        args.out,
        args.route,
        labels,
        truth,
        args.gt_labels,
        scored,
        args.confidence_threshold,
        args.masks,
        args.write,
        args.bootstrap,
        replay_key(args, bag, cameras, bundles),
        bundles,
        max(1, min(MOST_DECODERS, (args.threads or cores()) // 2)),
    )
    cv2.setNumThreads(1)  # its threads would wait for their turn beside those of the engines
    engines = chosen_engines(bundles, args)
    try:
        total = sum(bag.topics[camera].count for camera in cameras)
        with nullcontext(progress) if progress else Progress(None, "replay") as shown:
            shown.total = total or None

            def advance(topic: str, new: bool) -> None:
                if new:
                    shown.advance(note=topic)
                elif shown.total:  # what cost no time must not spoil the time left
                    shown.total -= 1

            figures = replay(job, engines, advance)
        result: dict[str, object] = {
            "bag": str(bag.path),
            "out": str(args.out),
            "route": args.route,
            "gt": args.gt,
            "labels": labels.name,
            "models": {role: bundle.name for role, bundle in bundles.items()},
            "models_sha256": {role: bundle.sha256 for role, bundle in bundles.items()},
            "engines": {role: asdict(engine.info) for role, engine in engines.items()},
            "confidence_threshold": args.confidence_threshold,
            "live": earlier_live(args.out, bag.path),
            **figures,
            **(facts or {}),
        }
    finally:
        for engine in engines.values():
            engine.close()
    finish(args.out, to_json(result) + "\n")
    return result


def render(result: dict[str, Any]) -> str:
    """Return the summary."""
    if "bags" in result:
        return render_many(result)
    return render_live(result) if "runs_kept" in result else render_replay(result)


def chosen_bundles(args: argparse.Namespace) -> dict[str, Bundle]:
    """Return the models that the route needs, or may choose from."""
    folder = Path(args.models) if args.models is not None else default_models_dir()
    roles = None if args.route in (AUTO, ALL) else ENGINES_OF[args.route]
    if not args.model:
        return choose_bundles(folder, roles=roles, every=args.route == ALL)
    inside = [folder / name for name in args.model]
    named = load_models(
        [str(p) if p.is_dir() else n for p, n in zip(inside, args.model, strict=True)]
    )
    missing = [role for role in roles or () if role not in named]
    unused = [bundle.name for role, bundle in named.items() if roles and role not in roles]
    if unused:
        raise NightsegError(f"route {args.route} does not use {', '.join(unused)}; leave it out")
    return {**named, **(choose_bundles(folder, roles=missing) if missing else {})}


def replay_key(
    args: argparse.Namespace, bag: Bag, cameras: list[str], bundles: dict[str, Bundle]
) -> dict[str, object]:
    """Return what decides the rows of a replay: only equal ones may be continued."""
    path = bag.path
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return {
        "format": 2,
        "files": [[str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns] for p in files],
        "cameras": cameras,
        "route": args.route,
        "models": {role: bundle.sha256 for role, bundle in bundles.items()},
        "engine": args.engine,
        "gt": [args.gt, args.gt_labels, args.label_set],
        "threshold": args.confidence_threshold,
        "masks": args.masks,
    }
