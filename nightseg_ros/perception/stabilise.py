# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Holds masks still: a class that appears for one frame only is not shown.

The class shown at each pixel and the evidence for it move along the optical flow. Another class is
shown once it is more certain than that evidence, which decays, or once the network sees it twice in
succession: a new object is at most one frame late.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.labels.label_set import IGNORE

Image = NDArray[np.uint8]

DECAY = 0.9
"""What is left of the evidence for a class after a frame without it."""
GAIN = 0.1
"""The weight of a less certain frame in the evidence for the class that it confirms."""
FLOW_WIDTH = 128
"""The width of the images that the flow is computed on."""
FLOW_HEIGHTS = 16, 256
"""OpenCV crashes below 16 rows; more than 256 take too long."""
UNEXPLAINED = 20
"""Grey levels by which a pixel differs from the one it came from, if it was not seen before."""
CUT = 0.25
"""A larger share of unexplained pixels is another scene, or moves too fast to be followed."""
GAP_S = 0.25
"""Frames farther apart are not compared: from 0.3 s on, masks that hold still lost accuracy."""


class Stabiliser:
    """The masks of one camera, at the size of the network."""

    def __init__(self) -> None:
        preset = cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST
        self._flow = cv2.DISOpticalFlow_create(preset)  # type: ignore[attr-defined]
        self._flow.setFinestScale(1)  # the preset stops at a quarter of an image that is small
        self._source: tuple[str, tuple[int, ...]] = "", ()
        self._stamp_s = 0.0
        self._small: Image = np.zeros((0, 0), np.uint8)
        self._shown: Image = self._small
        self._seen: Image = self._small
        self._evidence: Image = self._small
        self._places = self._small_places = np.zeros((0, 0, 2), np.float32)

    def update(
        self, image: Image, mask: Image, confidence: Image, route: str, stamp_s: float
    ) -> Image:
        """Return the mask to show instead of `mask`, which the route made of this RGB image.

        It starts afresh with another route or size, after a cut, and where the stamp jumps.
        """
        height, width = mask.shape
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small_size = FLOW_WIDTH, int(np.clip(FLOW_WIDTH * height // width, *FLOW_HEIGHTS))
        small = np.asarray(cv2.resize(gray, small_size, interpolation=cv2.INTER_AREA), np.uint8)
        before, self._small = self._small, small
        if mask.shape != self._source[1]:
            self._places, self._small_places = _places(height, width), _places(*small.shape)
        follows = self._source == (route, mask.shape) and 0 <= stamp_s - self._stamp_s <= GAP_S
        self._source, self._stamp_s = (route, mask.shape), stamp_s
        if follows and self._carry(before):
            self._decide(mask, confidence)
        else:
            self._shown, self._evidence = mask.copy(), confidence.copy()
        self._seen = mask.copy()  # copies: the engine may use its arrays again
        return np.array(self._shown)

    def _carry(self, before: Image) -> bool:
        """Move what is known to where it is now; False where that cannot be followed."""
        flow = self._flow.calc(self._small, before, None)
        came_from = _taken(before, self._small_places + flow, 0, cv2.INTER_LINEAR)
        changed = cv2.absdiff(came_from, self._small)
        new = cv2.threshold(changed, UNEXPLAINED, 255, cv2.THRESH_BINARY)[1]
        if cv2.countNonZero(new) > CUT * new.size:
            return False
        height, width = self._shown.shape
        flow *= np.array([width / new.shape[1], height / new.shape[0]], np.float32)
        places = self._places + cv2.resize(flow, (width, height))
        new = cv2.resize(new, (width, height), interpolation=cv2.INTER_NEAREST)
        self._shown = _taken(self._shown, places, IGNORE)
        self._seen = _taken(self._seen, places, IGNORE)
        evidence = _taken(self._evidence, places, 0)
        self._evidence = np.asarray(cv2.subtract(evidence, new), np.uint8)
        return True

    def _decide(self, mask: Image, confidence: Image) -> None:
        """Show the new class of a pixel, or hold the one that is shown."""
        decayed = cv2.convertScaleAbs(self._evidence, alpha=DECAY)
        risen = cv2.addWeighted(self._evidence, 1.0 - GAIN, confidence, GAIN, 0.0)
        same = cv2.compare(self._shown, mask, cv2.CMP_EQ)
        again = cv2.compare(self._seen, mask, cv2.CMP_EQ)
        held = cv2.compare(decayed, confidence, cv2.CMP_GT)
        held = cv2.subtract(cv2.subtract(held, same), again)
        shown, evidence = mask.copy(), confidence.copy()
        cv2.copyTo(self._shown, held, shown)
        cv2.copyTo(decayed, held, evidence)
        cv2.copyTo(cv2.max(risen, confidence), same, evidence)
        self._shown, self._evidence = shown, evidence


def _places(height: int, width: int) -> NDArray[np.float32]:
    """Return x and y of each pixel."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.dstack([columns, rows])


def _taken(
    values: Image, places: NDArray[np.float32], outside: int, how: int = cv2.INTER_NEAREST
) -> Image:
    """Return the value at each place, `outside` beyond the border."""
    return cv2.remap(  # type: ignore[call-overload,no-any-return]
        values, places, None, how, borderMode=cv2.BORDER_CONSTANT, borderValue=outside
    )
