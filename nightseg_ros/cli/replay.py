# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay`: the pipeline of the node over every frame of a recorded drive; no ROS."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import Bundle, default_models_dir
from nightseg_ros.cli.evaluate import load_models
from nightseg_ros.cli.plain import to_json
from nightseg_ros.cli.progress import Progress
from nightseg_ros.engines.select import ENGINES, choose_bundles, create_engines, shared_labels
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bag_frames import camera_topics
from nightseg_ros.evaluation.bag_source import Bag
from nightseg_ros.evaluation.replay import finish, replay
from nightseg_ros.evaluation.replay_outputs import ReplayJob
from nightseg_ros.evaluation.replay_summary import render_replay
from nightseg_ros.evaluation.replay_truth import Truth
from nightseg_ros.evaluation.replay_variants import ALL
from nightseg_ros.evaluation.score_folders import scored_set
from nightseg_ros.labels import label_set
from nightseg_ros.perception.pipeline import ENGINES_OF
from nightseg_ros.perception.routing import AUTO, ROUTES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg replay`."""
    add = parser.add_argument
    add("bag", type=Path, help="a rosbag2 folder, or one .mcap or .db3 file")
    add("--out", type=Path, required=True, metavar="DIR", help="where replay.json and others go")
    add(
        "--topic",
        action="append",
        default=[],
        metavar="NAME",
        help="camera topic; may be repeated (default: all images that are no masks)",
    )
    add(
        "--route",
        choices=(AUTO, *ROUTES, ALL),
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
        help="write mask, overlay and route topics with the stamps of the images into a new bag; "
        "such a replay always runs from the first frame",
    )
    add("--models", type=Path, metavar="DIR", help="models folder (default: the installed models)")
    add("--model", action="append", default=[], metavar="NAME", help="use this model; repeatable")
    add("--engine", choices=ENGINES, default="auto", help="what runs the models (default auto)")
    add("--threads", type=int, default=0, metavar="N", help="engine threads; 0: one per core")
    add(
        "--confidence-threshold",
        type=float,
        default=0.0,
        metavar="0..1",
        help="pixels below it become 255, unlabelled (default: 0, keep all)",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Replay the bag."""
    if args.out.exists() and not args.out.is_dir():
        raise NightsegError(f"--out {args.out} is a file; name a folder")
    bag = Bag(args.bag)
    cameras = camera_topics(bag, args.topic)
    bundles = _bundles(args)
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
        _key(args, cameras, bundles),
    )
    engines = create_engines(bundles, args.engine, threads=args.threads)
    try:
        total = sum(bag.topics[camera].count for camera in cameras)
        with Progress(total or None, "replay") as progress:

            def advance(topic: str, new: bool) -> None:
                if new:
                    progress.advance(note=topic)
                elif progress.total:  # what cost no time must not spoil the time left
                    progress.total -= 1

            figures = replay(job, engines, advance)
        result: dict[str, object] = {
            "bag": str(args.bag),
            "out": str(args.out),
            "route": args.route,
            "gt": args.gt,
            "labels": labels.name,
            "models": {role: bundle.name for role, bundle in bundles.items()},
            "models_sha256": {role: bundle.sha256 for role, bundle in bundles.items()},
            "engines": {role: asdict(engine.info) for role, engine in engines.items()},
            "confidence_threshold": args.confidence_threshold,
            **figures,
        }
    finally:
        for engine in engines.values():
            engine.close()
    finish(args.out, to_json(result) + "\n")
    return result


def render(result: dict[str, Any]) -> str:
    """Return the summary."""
    return render_replay(result)


def _bundles(args: argparse.Namespace) -> dict[str, Bundle]:
    """Return the models that the route needs, or may choose from."""
    folder = Path(args.models) if args.models is not None else default_models_dir()
    roles = None if args.route in (AUTO, ALL) else ENGINES_OF[args.route]
    if not args.model:
        return choose_bundles(folder, roles=roles)
    inside = [folder / name for name in args.model]
    named = load_models(
        [str(p) if p.is_dir() else n for p, n in zip(inside, args.model, strict=True)]
    )
    missing = [role for role in roles or () if role not in named]
    unused = [bundle.name for role, bundle in named.items() if roles and role not in roles]
    if unused:
        raise NightsegError(f"route {args.route} does not use {', '.join(unused)}; leave it out")
    return {**named, **(choose_bundles(folder, roles=missing) if missing else {})}


def _key(
    args: argparse.Namespace, cameras: list[str], bundles: dict[str, Bundle]
) -> dict[str, object]:
    """Return what decides the rows of a replay: only equal ones may be continued."""
    bag: Path = args.bag
    files = sorted(p for p in bag.iterdir() if p.is_file()) if bag.is_dir() else [bag]
    return {
        "format": 1,
        "files": [[str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns] for p in files],
        "cameras": cameras,
        "route": args.route,
        "models": {role: bundle.sha256 for role, bundle in bundles.items()},
        "engine": args.engine,
        "gt": [args.gt, args.gt_labels, args.label_set],
        "threshold": args.confidence_threshold,
        "masks": args.masks,
    }
