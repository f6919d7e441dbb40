# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg drive`: render a street by day, through a tunnel, into the night, with ground truth."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from nightseg_ros.cli.progress import track
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.drive.bag import BagWriter
from nightseg_ros.drive.folder import FolderWriter
from nightseg_ros.drive.render import Renderer
from nightseg_ros.errors import NightsegError
from nightseg_ros.whole_bag import SUFFIXES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DRIVE.mcap",
        help="a bag (.mcap or .db3), or a folder for JPEG images and PNG labels",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="another seed, another street (default 1)"
    )
    parser.add_argument("--frames", type=int, default=300, help="number of frames (default 300)")
    parser.add_argument(
        "--size",
        type=image_size,
        default=(360, 640),
        metavar="WxH",
        help="image size (default 640x360)",
    )
    parser.add_argument("--fps", type=float, default=10.0, help="frames per second (default 10)")
    parser.add_argument("--raw", action="store_true", help="raw bgr8 images in the bag, not JPEG")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Render the drive into the file or folder."""
    out: Path = args.out
    if out.suffix not in ("", *SUFFIXES):
        raise NightsegError(
            f"--out {out} ends in '{out.suffix}'; use .mcap or .db3 for a bag, "
            "no ending for a folder"
        )
    if out.exists() and (out.is_dir() == bool(out.suffix) or (out.is_dir() and any(out.iterdir()))):
        raise NightsegError(f"--out {out} is there already; name another one or remove it")
    if args.raw and not out.suffix:
        raise NightsegError("--raw is for bags; a folder always holds JPEG images")
    height, width = args.size
    renderer = Renderer(args.seed, args.frames, (width, height), args.fps)
    start = time.perf_counter()
    lights: Counter[str] = Counter()
    with BagWriter(out, raw=args.raw) if out.suffix else FolderWriter(out) as writer:
        for index in track(range(args.frames), "drive"):
            frame = renderer.frame(index)
            writer.write(frame)
            lights[frame.illumination_phase] += 1
    return {
        "out": str(out),
        "seed": args.seed,
        "frames": args.frames,
        "size": f"{width}x{height}",
        "fps": args.fps,
        "light": dict(lights),
        "rendered_per_s": round(args.frames / (time.perf_counter() - start), 1),
    }


def render(result: dict[str, object]) -> str:
    """Return one line."""
    lights = result["light"]
    assert isinstance(lights, dict)
    parts = ", ".join(f"{count} {light}" for light, count in lights.items())
    rate = f"{result['rendered_per_s']} per second"
    return f"{result['out']}: {result['frames']} frames ({parts}), {rate}"
