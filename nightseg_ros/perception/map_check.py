# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks whether the outputs of an engine can be a mask; only then they are published.

The checks at start-up used one image. A driver that fails later, or overwritten memory, shows in
shape, type, class ids, or in a confidence of 0 everywhere, since not-a-number becomes 0 as a byte.
Plausible wrong numbers cannot be detected here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Outputs


class BadMapsError(NightsegError):
    """The outputs of an engine are not a mask."""


def check_shapes(outputs: Outputs, shapes: Sequence[tuple[int, ...]], engine: str) -> None:
    """Refuse outputs that are not uint8 arrays of these shapes."""
    found = [(str(output.dtype), output.shape) for output in outputs]
    if found != [("uint8", shape) for shape in shapes]:
        listed = ", ".join(f"{dtype} {list(shape)}" for dtype, shape in found) or "nothing"
        wanted = ", ".join(f"uint8 {list(shape)}" for shape in shapes)
        raise BadMapsError(f"the {engine} engine returned {listed} instead of {wanted}")


def check_content(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], confidence: NDArray[np.uint8], classes: int
) -> None:
    """Refuse class ids that do not exist, and a mask made from broken numbers."""
    # 255 becomes 0 and every other id one more, so one maximum covers both.
    largest = int(np.max(mask + np.uint8(1), initial=0)) - 1
    if classes and largest >= classes:
        raise BadMapsError(
            f"the engine returned class id {largest} in 'mask', but there are {classes} classes "
            f"(and {IGNORE})"
        )
    if not confidence.any() and _flat(mask) and not _flat(image):
        raise BadMapsError(
            "the engine returned one class with confidence 0 for the whole image; its numbers have "
            "broken down (not a number?)"
        )


def _flat(pixels: NDArray[np.uint8]) -> bool:
    return bool(pixels.min() == pixels.max())
