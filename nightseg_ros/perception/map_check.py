# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether what an engine gave for a frame can be a mask at all; it is published only if it can.

The checks at start-up saw one image. A driver that fails later, or memory that was overwritten,
shows in shape, type, class ids, or in a confidence of 0 all over, which is what not-a-number
becomes as a byte. Wrong numbers that look like right ones cannot be told from here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.engine import Outputs
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE


class BadMapsError(NightsegError):
    """An engine gave something that is no mask."""


def check_shapes(outputs: Outputs, shapes: Sequence[tuple[int, ...]], engine: str) -> None:
    """Refuse outputs that are not uint8 arrays of these shapes."""
    found = [(str(output.dtype), output.shape) for output in outputs]
    if found != [("uint8", shape) for shape in shapes]:
        listed = ", ".join(f"{dtype} {list(shape)}" for dtype, shape in found) or "nothing"
        wanted = ", ".join(f"uint8 {list(shape)}" for shape in shapes)
        raise BadMapsError(f"the {engine} engine gave {listed} instead of {wanted}")


def check_content(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], confidence: NDArray[np.uint8], classes: int
) -> None:
    """Refuse class ids that do not exist, and a mask whose numbers have broken down."""
    # 255 becomes 0 and every id one more, so one maximum answers for both.
    largest = int(np.max(mask + np.uint8(1), initial=0)) - 1
    if classes and largest >= classes:
        raise BadMapsError(
            f"the engine gave class id {largest}, and there are {classes} classes (and {IGNORE})"
        )
    if not confidence.any() and _flat(mask) and not _flat(image):
        raise BadMapsError(
            "the engine gave one class with confidence 0 for the whole image; its numbers have "
            "broken down (not a number?)"
        )


def _flat(pixels: NDArray[np.uint8]) -> bool:
    return bool(pixels.min() == pixels.max())
