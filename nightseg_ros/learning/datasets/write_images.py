# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A set of images made into a folder of other ones, from where an earlier run was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.datasets.sample import DrivingSet

Image = NDArray[np.uint8]


def write_images(
    images: DrivingSet, out: Path, make: Callable[[int, Image], Image]
) -> Iterator[str]:
    """Write out/NAME.png, which `make` makes of each image and its number; yield the names.

    What is there is kept.
    """
    out.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(images.samples):
        target = out / f"{sample.image.stem}.png"
        if not target.exists():
            pixels = make(number, images.load_image(sample))
            partial = out / f".{target.name}"
            if not cv2.imwrite(str(partial), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)):
                raise NightsegError(f"cannot write {partial}; is the disk full?")
            partial.rename(target)
        yield sample.name
