# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg translate`: run a trained generator over images, to make training nights of days."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.sizes import image_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="night2day.pt or day2night.pt of a training"
    )
    parser.add_argument(
        "--images", required=True, help="images as LAYOUT:DIR[:SPLIT]; {data} is the data folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the translated PNGs")
    parser.add_argument(
        "--data", default=os.environ.get("NIGHTSEG_DATA", ""), help="what {data} stands for"
    )
    parser.add_argument(
        "--size", type=image_size, default=(272, 480), help="WxH of the generator (480x272)"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Translate the images."""
    from nightseg_ros.learning.datasets.catalog import open_set
    from nightseg_ros.learning.tensor_set import expand
    from nightseg_ros.learning.translate import load_generator, translate_images

    generator = load_generator(args.checkpoint)
    images = open_set(expand(args.images, args.data))
    with Progress(len(images), "images") as progress:
        for name in translate_images(generator, images, args.out, args.size):
            progress.advance(note=name)
    return {"images": len(images), "out": str(args.out)}


def render(result: dict[str, object]) -> str:
    """Return one line."""
    return f"{result['images']} translated images in {result['out']}"
