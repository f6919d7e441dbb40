# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg translate`: run a trained generator over images, to make training nights of days."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.options.values import data_option, image_size
from nightseg_ros.cli.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg translate`."""

    checkpoint: Path = option("night2day.pt or day2night.pt of a training")
    images: str = option("images as LAYOUT:DIR[:SPLIT]; {data} is the data folder")
    out: Path = option("folder for the translated PNGs", fills=True)
    data: str = data_option()
    size: tuple[int, int] = option("WxH of the generator (480x272)", (272, 480), parse=image_size)


def run(options: Options) -> dict[str, object]:
    """Translate the images."""
    from nightseg_ros.datasets.catalog import open_set
    from nightseg_ros.learning.tensor_set import expand
    from nightseg_ros.learning.translate import load_generator, translate_images

    generator = load_generator(options.checkpoint)
    images = open_set(expand(options.images, options.data))
    with Progress(len(images), "images") as progress:
        for name in translate_images(generator, images, options.out, options.size):
            progress.advance(note=name)
    return {"images": len(images), "out": str(options.out)}


def render(result: dict[str, object]) -> str:
    """Return one line."""
    return f"{result['images']} translated images in {result['out']}"
