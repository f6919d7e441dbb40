# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg darken`: make night frames of day frames, by a trained module or by a plain curve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.cli.options.fields import OneOf, argument, flag, option
from nightseg_ros.cli.options.values import data_option, image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet
    from nightseg_ros.learning.darkenings import Darken

METHODS = ("module", "gamma", "brightness", "reciprocal")
LEVELS = (0.02, 0.05, 0.1, 0.2, 0.4)
SHEET_FRAMES = 6
LIGHT = OneOf()


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg darken`."""

    images: str = argument(
        "folder of images or LAYOUT:DIR[:SPLIT][@TIME]; {data} is the data folder", metavar="DIR"
    )
    exposure: tuple[float, ...] | None = option(
        "mean grey values, 0 to 1, that are wanted (default: 0.1; for a sheet "
        f"{' '.join(map(str, LEVELS))})",
        None,
        metavar="E",
        group=LIGHT,
        nargs="+",
    )
    night: bool = flag(
        "an exposure of its own for every frame, 0 to 0.2 and uneven, as the zero-shot "
        "training draws them",
        group=LIGHT,
    )
    method: str | None = option(
        "what darkens (default: module with --checkpoint)", None, choices=METHODS
    )
    checkpoint: Path | None = option("darkening.pt of a training", None, metavar="FILE")
    size: tuple[int, int] = option(
        "WxH at which the module finds its curves (480x272); frames keep their own size",
        (272, 480),
        parse=image_size,
    )
    out: Path | None = option("folder for the darkened PNGs", None, metavar="DIR", fills=True)
    sheet: Path | None = option(
        "picture with a row for each of a few frames: as it is, and at every exposure",
        None,
        metavar="FILE",
    )
    count: int = option("take N frames, spread evenly (all)", 0, metavar="N")
    seed: int = option("seed of --night", 0)
    data: str = data_option()


def run(options: Options) -> dict[str, object]:
    """Darken the images and draw the sheet."""
    levels = _levels(options)
    method = _method(options)
    from nightseg_ros.datasets.catalog import open_set
    from nightseg_ros.learning.darkenings import darken_by
    from nightseg_ros.learning.tensor_set import expand

    darken = darken_by(method, options.checkpoint, options.size)
    images = open_set(expand(options.images, options.data))
    result: dict[str, object] = {"images": 0, "method": method, "exposures": list(levels)}
    if options.night:
        result["exposures"] = "night"
    if options.out is not None:
        chosen = _spread(images, options.count)
        result["images"] = _write(options.out, options, chosen, darken, levels)
        result["out"] = str(options.out)
    if options.sheet is not None:
        chosen = _spread(images, options.count or SHEET_FRAMES)
        result["sheet"] = str(_draw(options.sheet, chosen, darken, levels))
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
    out: Path, options: Options, images: DrivingSet, darken: Darken, levels: tuple[float, ...]
) -> int:
    """Write one folder, or one for each of several exposures, and return how many images."""
    from nightseg_ros.learning.darkenings import darken_images

    wanted: list[tuple[Path, float | None]] = [(out / f"{x:g}", x) for x in levels]
    if options.night or len(levels) == 1:
        wanted = [(out, None if options.night else levels[0])]
    total = len(wanted) * len(images)
    with Progress(total, "images") as progress:
        for folder, level in wanted:
            for name in darken_images(darken, images, folder, level, options.seed):
                progress.advance(note=name)
    return total


def _draw(path: Path, images: DrivingSet, darken: Darken, levels: tuple[float, ...]) -> Path:
    from nightseg_ros.datasets.contact_sheet import rows_sheet, save_sheet
    from nightseg_ros.learning.darkenings import darken_image

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


def _levels(options: Options) -> tuple[float, ...]:
    if options.out is None and options.sheet is None:
        raise NightsegError("nothing to make; give --out DIR, --sheet FILE, or both")
    if options.night and options.sheet is not None:
        raise NightsegError("--night draws exposures at random; for --sheet name some --exposure")
    if options.count < 0:
        raise NightsegError(f"--count is {options.count}; use 0 (all) or more")
    levels = options.exposure or ((0.1,) if options.sheet is None else LEVELS)
    for level in levels:
        if not 0.0 <= level <= 1.0:
            raise NightsegError(f"--exposure is {level:g}; use 0 to 1, a mean grey value")
    return tuple(levels)


def _method(options: Options) -> str:
    method: str | None = options.method or ("module" if options.checkpoint else None)
    if method is None:
        raise NightsegError(
            "no way to darken is named; give --checkpoint runs/darkening/darkening.pt, or --method "
            + "|".join(METHODS[1:])
        )
    if method != "module" and options.checkpoint is not None:
        raise NightsegError(f"--method {method} needs no --checkpoint; leave one of them out")
    return method
