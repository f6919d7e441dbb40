# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turns the confidence of a network into the probability that a pixel is right, by tables.

There is a table of class by confidence for each level of illumination, made when the first frame of
that light comes: a frame costs one look-up for each pixel of the network's view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.labels.label_set import IGNORE

if TYPE_CHECKING:
    from nightseg_ros.bundles.calibration import Calibration

Image = NDArray[np.uint8]
STEPS = 50
"""Levels of illumination from 0 to 1."""


def logits() -> NDArray[np.float64]:
    """Return the logit of each confidence; a byte stands for the middle of its 256th."""
    p = (np.arange(256) + 0.5) / 256
    return np.asarray(np.log(p / (1 - p)))


class ConfidenceTables:
    """The tables of one model."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._tables: dict[int, Image] = {}

    def apply(self, mask: Image, confidence: Image, illumination: float) -> Image:
        """Return 255 times the probability that each pixel is right, 0 where `mask` is 255."""
        step = round(min(1.0, max(0.0, illumination)) * STEPS)
        if step not in self._tables:
            self._tables[step] = table(self._calibration, step / STEPS).ravel()
        # Bytes beside each other, read as little-endian numbers: confidence + 256 * class.
        places = cv2.merge([confidence, mask]).view("<u2")[..., 0]
        return np.asarray(np.take(self._tables[step], places), np.uint8)


def table(calibration: Calibration, illumination: float) -> Image:
    """Return the (256, 256) calibrated confidence of each class id and confidence."""
    at = calibration.illumination
    temperature = np.interp(illumination, at, calibration.temperature)
    shift = np.array([np.interp(illumination, at, curve) for curve in calibration.shift])
    right = 1 / (1 + np.exp(-(logits() / temperature + shift[:, None])))
    whole = np.zeros((256, 256), np.uint8)
    whole[: len(shift)] = np.rint(255 * right)
    return whole


def histogram(confidence: Image) -> NDArray[np.int64]:
    """Return how many pixels have each of the 256 confidences."""
    return np.bincount(confidence.ravel(), minlength=256)


def threshold_for(pixels: NDArray[np.int64], target_error: float) -> tuple[int, float]:
    """Return the confidence below which pixels must go, and the share of pixels that go.

    `pixels` are those of one frame with each of the 256 calibrated confidences, so the expected
    error of a pixel is 1 - confidence / 255. As many stay as keep their mean expected error at or
    below `target_error`.
    """
    falling = pixels[::-1]
    kept = np.cumsum(falling)
    errors = np.cumsum(falling * np.arange(256) / 255)
    # Going down, the mean error of the rest only grows: the pixels that stay are the first ones.
    stay = int(np.count_nonzero(errors <= target_error * np.maximum(kept, 1)))
    if stay == 0:
        return 256, 1.0
    return 256 - stay, 1.0 - float(kept[stay - 1] / kept[-1])


def withhold_below(mask: Image, confidence: Image, least: int) -> None:
    """Set `mask` to 255 in place wherever `confidence` is below `least` of 255."""
    np.putmask(mask, confidence < least, IGNORE)
