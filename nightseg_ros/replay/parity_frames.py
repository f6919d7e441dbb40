# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The frames on which engines are compared: from a labelled set with masks, or rendered.

All are letterboxed to the size of the network, like in the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.drive.render import Renderer
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, LabelSet
from nightseg_ros.perception.letterbox import Letterbox

Image = NDArray[np.uint8]
T = TypeVar("T")

RENDERED = 12
"""Enough frames of a rendered drive, which goes from noon into the night."""


def labelled_frames(
    text: str, size: tuple[int, int], count: int, labels: LabelSet | str
) -> tuple[list[Image], list[Image]]:
    """Return frames of the data set `text`, and their masks in the label set `labels`."""
    driving_set = open_set(text)
    frames, truths = [], []
    for sample in spread(driving_set.samples, count):
        image, label = driving_set.load_pair(sample, labels)
        frames.append(boxed(image, size))
        box = Letterbox((label.shape[0], label.shape[1]), size)
        truth = np.full(size, IGNORE, np.uint8)
        height, width = box.inner_hw
        inner = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        box.crop(truth)[:] = inner
        truths.append(truth)
    if not frames:
        raise NightsegError(f"data set '{text}' is empty; name one that contains labelled images")
    return frames, truths


def rendered_frames(size: tuple[int, int], count: int) -> list[Image]:
    """Return frames of the drive that `nightseg drive` renders."""
    height, width = size
    renderer = Renderer(1, count, (width, height))
    return [
        np.ascontiguousarray(renderer.frame(index).image_bgr[..., ::-1]) for index in range(count)
    ]


def boxed(image: Image, size: tuple[int, int]) -> Image:
    """Return an image in the view of the network."""
    seen = Letterbox((image.shape[0], image.shape[1]), size).apply(image)
    return np.array(seen, np.uint8)  # the letterbox reuses its array


def spread(items: Sequence[T], count: int) -> list[T]:
    """Return up to `count` items, evenly spread.

    >>> spread("abcdefgh", 3)
    ['a', 'c', 'f']
    """
    count = min(count, len(items))
    return [items[index * len(items) // count] for index in range(count)]
