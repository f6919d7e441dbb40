# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Converts a set of images into a folder of new ones; a stopped run is resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.image_files import write_png
from nightseg_ros.files.atomic import sweep

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet

Image = NDArray[np.uint8]


def write_images(
    images: DrivingSet, out: Path, make: Callable[[int, Image], Image]
) -> Iterator[str]:
    """Write out/NAME.png, the result of `make` for each image and its number; yield the names.

    Existing files are kept.
    """
    out.mkdir(parents=True, exist_ok=True)
    sweep(out)
    for number, sample in enumerate(images.samples):
        target = out / f"{sample.image.stem}.png"
        if not target.exists():
            pixels = make(number, images.load_image(sample))
            write_png(target, pixels[..., ::-1])
        yield sample.name
