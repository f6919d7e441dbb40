# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg darken`: make night frames of day frames, by a trained module or by a plain curve."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.learning.darkenings import Darken
    from nightseg_ros.learning.datasets.sample import DrivingSet

METHODS = ("module", "gamma", "brightness", "reciprocal")
LEVELS = (0.02, 0.05, 0.1, 0.2, 0.4)
SHEET_FRAMES = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "images",
        metavar="DIR",
        help="folder of images or LAYOUT:DIR[:SPLIT][@TIME]; {data} is the data folder",
    )
    exposure = parser.add_mutually_exclusive_group()
    exposure.add_argument(
        "--exposure",
        type=float,
        nargs="+",
        metavar="E",
        help="mean grey values, 0 to 1, that are wanted (default: 0.1; for a sheet "
        f"{' '.join(map(str, LEVELS))})",
    )
    exposure.add_argument(
        "--night",
        action="store_true",
        help="an exposure of its own for every frame, 0 to 0.2 and uneven, as the zero-shot "
        "training draws them",
    )
    parser.add_argument(
        "--method", choices=METHODS, help="what darkens (default: module with --checkpoint)"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="darkening.pt of a training"
    )
    parser.add_argument(
        "--size",
        type=image_size,
        default=(272, 480),
        help="WxH at which the module finds its curves (480x272); frames keep their own size",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the darkened PNGs")
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help="picture with a row for each of a few frames: as it is, and at every exposure",
    )
    parser.add_argument(
        "--count", type=int, default=0, metavar="N", help="take N frames, spread evenly (all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of --night")
    parser.add_argument(
        "--data", default=os.environ.get("NIGHTSEG_DATA", ""), help="what {data} stands for"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Darken the images and draw the sheet."""
    levels = _levels(args)
    method = _method(args)
    from nightseg_ros.learning.darkenings import darken_by
    from nightseg_ros.learning.datasets.catalog import open_set
    from nightseg_ros.learning.tensor_set import expand

    darken = darken_by(method, args.checkpoint, args.size)
    images = open_set(expand(args.images, args.data))
    result: dict[str, object] = {"images": 0, "method": method, "exposures": list(levels)}
    if args.night:
        result["exposures"] = "night"
    if args.out is not None:
        chosen = _spread(images, args.count)
        result["images"], result["out"] = _write(args, chosen, darken, levels), str(args.out)
    if args.sheet is not None:
        chosen = _spread(images, args.count or SHEET_FRAMES)
        result["sheet"] = str(_draw(args.sheet, chosen, darken, levels))
    return result


def render(result: dict[str, Any]) -> str:
    """Return a line for the folder and one for the sheet."""
    lines = []
    if "out" in result:
        lines.append(f"{result['images']} darkened images in {result['out']}")
    if "sheet" in result:
        lines.append(f"sheet {result['sheet']}")
    return "\n".join(lines)


def _write(
    args: argparse.Namespace, images: DrivingSet, darken: Darken, levels: tuple[float, ...]
) -> int:
    """Write one folder, or one for each of several exposures, and return how many images."""
    from nightseg_ros.learning.darken import darken_images

    wanted: list[tuple[Path, float | None]] = [(args.out / f"{x:g}", x) for x in levels]
    if args.night or len(levels) == 1:
        wanted = [(args.out, None if args.night else levels[0])]
    total = len(wanted) * len(images)
    with Progress(total, "images") as progress:
        for folder, level in wanted:
            for name in darken_images(darken, images, folder, level, args.seed):
                progress.advance(note=name)
    return total


def _draw(path: Path, images: DrivingSet, darken: Darken, levels: tuple[float, ...]) -> Path:
    from nightseg_ros.learning.darken import darken_image
    from nightseg_ros.learning.datasets.contact_sheet import rows_sheet, save_sheet

    rows = []
    for sample in images.samples:
        image = images.load_image(sample)
        rows.append([image, *(darken_image(darken, image, level) for level in levels)])
    path.parent.mkdir(parents=True, exist_ok=True)
    save_sheet(path, rows_sheet(["as it is", *(f"exposure {x:g}" for x in levels)], rows))
    return path


def _spread(images: DrivingSet, count: int) -> DrivingSet:
    if not count or count >= len(images):
        return images
    places = np.linspace(0, len(images) - 1, count).round().astype(int)
    return replace(images, samples=tuple(images.samples[place] for place in places))


def _levels(args: argparse.Namespace) -> tuple[float, ...]:
    if args.out is None and args.sheet is None:
        raise NightsegError("nothing to make; give --out DIR, --sheet FILE, or both")
    if args.night and args.sheet is not None:
        raise NightsegError("--night draws exposures at random; for --sheet name some --exposure")
    if args.count < 0:
        raise NightsegError(f"--count is {args.count}; use 0 (all) or more")
    levels = args.exposure or ((0.1,) if args.sheet is None else LEVELS)
    for level in levels:
        if not 0.0 <= level <= 1.0:
            raise NightsegError(f"--exposure is {level:g}; use 0 to 1, a mean grey value")
    return tuple(levels)


def _method(args: argparse.Namespace) -> str:
    method: str | None = args.method or ("module" if args.checkpoint else None)
    if method is None:
        raise NightsegError(
            "how to darken is not said; give --checkpoint runs/darkening/darkening.pt, or --method "
            + "|".join(METHODS[1:])
        )
    if method != "module" and args.checkpoint is not None:
        raise NightsegError(f"--method {method} needs no --checkpoint; leave one of them out")
    return method
