# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures of one frame: the image and its results, small enough for a page."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, LabelSet
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.perception.overlay import INK, blend, colorize, hatch, unsure

Image = NDArray[np.uint8]

WIDTH = 560
"""Pixels across; wider frames are scaled down."""
ALPHA = 0.55
JPEG_QUALITY = 82
FLAT = ("mask", "truth")
"""Pictures of flat colours: sharp and small as PNG."""
MARK = np.array((40, 110, 255), np.uint8)
"""BGR of pixels that need attention: an orange that is no class colour."""


class FrameViews:
    """Draws the pictures of frames; everything in BGR."""

    def __init__(
        self, labels: LabelSet, truth: tuple[LabelSet | str, LabelSet] | None = None
    ) -> None:
        """`truth` is the label set of the ground truth and the one that both are scored in."""
        self._palette = np.ascontiguousarray(labels.palette()[:, ::-1])
        self._truth_table = self._mask_table = None
        if truth is not None:
            stored, scored = truth
            self._truth_table, self._mask_table = lookup(stored, scored), lookup(labels, scored)
            self._truth_palette = np.ascontiguousarray(scored.palette()[:, ::-1])

    def of(
        self,
        image: Image,
        mask: Image,
        confidence: Image | None = None,
        masks: Sequence[Image] = (),
        truth: Image | None = None,
    ) -> dict[str, Image]:
        """Return name -> picture; `masks` are those of several routes, to see where they differ."""
        height, width = image.shape[:2]
        if width > WIDTH:
            size = (WIDTH, max(1, round(height * WIDTH / width)))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        mask, *masks = [_fit(ids, image) for ids in (mask, *masks)]
        pictures = {
            "image": image,
            "mask": colorize(mask, self._palette),
            "overlay": blend(image, mask, self._palette, ALPHA),
        }
        if confidence is not None:
            hatch(pictures["overlay"], unsure(mask, _fit(confidence, image)), INK)
        if len(masks) > 1:
            differ = np.any([ids != masks[0] for ids in masks[1:]], axis=0)
            pictures["disagreement"] = _marked(image, differ)
        elif confidence is not None:
            gray = cv2.cvtColor(_fit(confidence, image), cv2.COLOR_GRAY2BGR)
            pictures["confidence"] = np.asarray(gray, np.uint8)
        if truth is not None and self._truth_table is not None and self._mask_table is not None:
            wanted = self._truth_table[_fit(truth, image)]
            pictures["truth"] = colorize(wanted, self._truth_palette)
            wrong = (wanted != IGNORE) & (wanted != self._mask_table[mask])
            pictures["errors"] = _marked(image, wrong)
        return pictures


def encoded(name: str, picture: Image) -> tuple[str, bytes]:
    """Return the ending and the bytes of a picture called `name`."""
    kind, options = "jpg", [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    if name in FLAT:
        kind, options = "png", [cv2.IMWRITE_PNG_COMPRESSION, 9]
    good, data = cv2.imencode(f".{kind}", picture, options)
    if not good:
        raise NightsegError(f"a picture of {list(picture.shape)} could not be encoded as {kind}")
    return kind, data.tobytes()


def _fit(ids: Image, image: Image) -> Image:
    """Return a map at the size of an image, by nearest neighbours."""
    if ids.shape == image.shape[:2]:
        return ids
    size = (image.shape[1], image.shape[0])
    return np.asarray(cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _marked(image: Image, where: NDArray[np.bool_]) -> Image:
    """Return a pale grey image with some pixels marked."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    pale = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8) // 2 + 40
    pale[where] = MARK
    return pale
