# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `nightseg demo` drives through: the rendered street, or the beginning of your recording."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.cli.progress import track
from nightseg_ros.drive.bag import IMAGE, TRUTH, BagWriter
from nightseg_ros.drive.render import Renderer
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.excerpt import Excerpt
from nightseg_ros.evaluation.bags.frames import camera_topics
from nightseg_ros.evaluation.bags.source import Bag
from nightseg_ros.evaluation.bags.video import VideoBag, open_recording
from nightseg_ros.evaluation.live.film import RAW, RECORDED

DRIVE = "drive.mcap"
DRIVE_FRAMES = 120
COMPARED_FRAMES = 200
"""Of a recording; more would take longer than anybody waits for a demo."""
SECONDS = 30.0
LONGEST_S = 600.0


@dataclass(frozen=True)
class Subject:
    """What is played live, and what of it is compared offline."""

    title: str
    path: Path
    played: Bag
    compared: Bag
    camera: str
    transport: str = RECORDED
    truth: str = ""
    notes: tuple[str, ...] = ()


def rendered(args: argparse.Namespace) -> Subject:
    """Render a drive into the folder of the report."""
    path = args.out / DRIVE
    frames = args.frames or DRIVE_FRAMES
    height, width = args.size
    renderer = Renderer(args.seed, frames, (width, height), args.fps)
    with BagWriter(path) as writer:
        for index in track(range(frames), "rendering the drive"):
            writer.write(renderer.frame(index))
    bag = Bag(path)
    note = (
        "The drive is rendered. What networks that were trained on photographs score on it tells "
        "whether everything works, not how well they see real roads."
    )
    camera = f"{IMAGE}/compressed"
    return Subject("A drive into the night", path, bag, bag, camera, RAW, TRUTH, (note,))


def recorded(args: argparse.Namespace) -> Subject:
    """Open a recording of the user, and say what of it is taken."""
    path: Path = args.video or args.bag
    if not 0.0 < args.seconds <= LONGEST_S:
        raise NightsegError(
            f"--seconds is {args.seconds:g}; a demo takes up to {LONGEST_S:g} s of a recording, "
            "`nightseg replay` all of it"
        )
    whole = VideoBag(path) if args.video else open_recording(path)
    cameras = camera_topics(whole, [args.topic] if args.topic else ())
    camera = cameras[0]
    played = Excerpt(whole, [camera], args.seconds)
    if not played.frames:
        why = f": {whole.damage}" if whole.damage else ""
        raise NightsegError(f"{path} has no frame on {camera}{why}")
    compared = played.thinned(args.frames or COMPARED_FRAMES)
    notes = _notes(args, whole.topics[camera].count, cameras, played, compared)
    return Subject(path.name, path, played, compared, camera, notes=tuple(notes))


def _notes(
    args: argparse.Namespace, total: int, cameras: Sequence[str], played: Excerpt, compared: Excerpt
) -> list[str]:
    found = []
    if len(cameras) > 1:
        found.append(
            f"The recording has {len(cameras)} cameras; this is {cameras[0]}. "
            f"Name another one with --topic: {', '.join(cameras[1:])}."
        )
    if played.frames < total and not played.damage:
        found.append(
            f"The first {args.seconds:g} s were taken, {played.frames} of {total} frames; "
            f"--seconds takes more, `nightseg replay {args.bag or args.video}` all."
        )
    if compared.frames < played.frames:
        found.append(
            f"Of these, {compared.frames} frames at equal distances are compared offline, "
            f"which --frames changes; the live run plays all {played.frames}."
        )
    return found
