# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `nightseg demo` drives through: the rendered street, or the start of your recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.bags.frames import camera_topics
from nightseg_ros.bags.source import Bag, Excerpt
from nightseg_ros.bags.video import VideoBag, open_recording
from nightseg_ros.cli.options.fields import Group, OneOf, option
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import track
from nightseg_ros.drive.render import Renderer
from nightseg_ros.drive.writers import IMAGE, TRUTH, BagWriter
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.live.film import RAW, RECORDED

DRIVE = "drive.mcap"
DRIVE_FRAMES = 120
COMPARED_FRAMES = 200
"""Of a recording; more would take too long for a demo."""
SECONDS = 30.0
LONGEST_S = 600.0
OWN, RENDERED = Group("your own recording"), Group("the rendered drive")
SOURCE = OneOf(group=OWN)


@dataclass(frozen=True, kw_only=True)
class SubjectOptions:
    """What a demo drives through."""

    bag: Path | None = option("a rosbag2 recording instead of the drive", None, group=SOURCE)
    video: Path | None = option("a video instead of the drive", None, group=SOURCE)
    topic: str | None = option(
        "its camera topic (default: the first)", None, metavar="NAME", group=OWN
    )
    seconds: float = option(
        f"how much of it, from its start (default {SECONDS:g})", SECONDS, group=OWN
    )
    fps: float = option("images per second (default 10)", 10.0, group=RENDERED)
    size: tuple[int, int] = option(
        "default 640x360", (360, 640), parse=image_size, metavar="WxH", group=RENDERED
    )
    seed: int = option("another seed, another street (default 1)", 1, group=RENDERED)
    frames: int | None = option(
        "length of the drive (default 120, fewer on a slow machine), or how many frames of a "
        "recording are compared (default 200)",
        None,
        metavar="N",
    )

    @property
    def recording(self) -> Path | None:
        """Return the recording that is named, None for the rendered drive."""
        return self.video or self.bag


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


def rendered(options: SubjectOptions, out: Path) -> Subject:
    """Render a drive into the folder of the report."""
    path = out / DRIVE
    frames = options.frames or DRIVE_FRAMES
    height, width = options.size
    renderer = Renderer(options.seed, frames, (width, height), options.fps)
    with BagWriter(path) as writer:
        for index in track(range(frames), "rendering the drive"):
            writer.write(renderer.frame(index))
    bag = Bag(path)
    note = (
        "The drive is rendered. Scores on it of networks that were trained on photographs show "
        "whether everything works, not how well they see real roads."
    )
    camera = f"{IMAGE}/compressed"
    return Subject("A drive into the night", path, bag, bag, camera, RAW, TRUTH, (note,))


def recorded(options: SubjectOptions) -> Subject:
    """Open a recording of the user, and note what of it is taken."""
    path = options.recording
    assert path is not None
    if not 0.0 < options.seconds <= LONGEST_S:
        raise NightsegError(
            f"--seconds is {options.seconds:g}; a demo takes up to {LONGEST_S:g} s of a recording, "
            "`nightseg replay` all of it"
        )
    whole = VideoBag(path) if options.video else open_recording(path)
    cameras = camera_topics(whole, [options.topic] if options.topic else ())
    camera = cameras[0]
    played = Excerpt(whole, [camera], options.seconds)
    if not played.frames:
        why = f": {whole.damage}" if whole.damage else ""
        raise NightsegError(f"{path} has no frame on {camera}{why}")
    compared = played.thinned(options.frames or COMPARED_FRAMES)
    notes = _notes(options, whole.topics[camera].count, cameras, played, compared)
    return Subject(path.name, path, played, compared, camera, notes=tuple(notes))


def _notes(
    options: SubjectOptions, total: int, cameras: Sequence[str], played: Excerpt, compared: Excerpt
) -> list[str]:
    found = []
    if len(cameras) > 1:
        found.append(
            f"The recording has {len(cameras)} cameras; this is {cameras[0]}. "
            f"Name another one with --topic: {', '.join(cameras[1:])}."
        )
    if played.frames < total and not played.damage:
        found.append(
            f"The first {options.seconds:g} s were taken, {played.frames} of {total} frames; "
            f"--seconds takes more, `nightseg replay {options.recording}` all."
        )
    if compared.frames < played.frames:
        found.append(
            f"Of these, {compared.frames} frames at equal distances are compared offline, "
            f"which --frames changes; the live run plays all {played.frames}."
        )
    return found
