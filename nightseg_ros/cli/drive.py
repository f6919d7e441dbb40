# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg drive`: render a street by day, through a tunnel, into the night, with ground truth."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.bags.whole_bag import SUFFIXES
from nightseg_ros.cli.options.fields import flag, option
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import track
from nightseg_ros.drive.render import Renderer
from nightseg_ros.drive.writers import BagWriter, FolderWriter
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.sole_writer import contents


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg drive`."""

    out: Path = option(
        "a bag (.mcap or .db3), or a folder for JPEG images and PNG labels", metavar="DRIVE.mcap"
    )
    seed: int = option("another seed, another street (default 1)", 1)
    frames: int = option("number of frames (default 300)", 300)
    size: tuple[int, int] = option(
        "image size (default 640x360)", (360, 640), parse=image_size, metavar="WxH"
    )
    fps: float = option("frames per second (default 10)", 10.0)
    raw: bool = flag("raw bgr8 images in the bag, not JPEG")


def run(options: Options) -> dict[str, object]:
    """Render the drive into the file or folder."""
    out: Path = options.out
    if out.suffix not in ("", *SUFFIXES):
        raise NightsegError(
            f"--out {out} ends in '{out.suffix}'; use .mcap or .db3 for a bag, "
            "no ending for a folder"
        )
    if out.exists() and (out.is_dir() == bool(out.suffix) or contents(out)):
        raise NightsegError(f"--out {out} is there already; name another one or remove it")
    if options.raw and not out.suffix:
        raise NightsegError("--raw is for bags; a folder always holds JPEG images")
    height, width = options.size
    renderer = Renderer(options.seed, options.frames, (width, height), options.fps)
    start = time.perf_counter()
    lights: Counter[str] = Counter()
    with BagWriter(out, raw=options.raw) if out.suffix else FolderWriter(out) as writer:
        for index in track(range(options.frames), "drive"):
            frame = renderer.frame(index)
            writer.write(frame)
            lights[frame.illumination_phase] += 1
    return {
        "out": str(out),
        "seed": options.seed,
        "frames": options.frames,
        "size": f"{width}x{height}",
        "fps": options.fps,
        "light": dict(lights),
        "rendered_per_s": round(options.frames / (time.perf_counter() - start), 1),
    }


def render(result: dict[str, object]) -> str:
    """Return one line."""
    lights = result["light"]
    assert isinstance(lights, dict)
    parts = ", ".join(f"{count} {light}" for light, count in lights.items())
    rate = f"{result['rendered_per_s']} per second"
    return f"{result['out']}: {result['frames']} frames ({parts}), {rate}"
