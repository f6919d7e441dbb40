# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an output of a network means, and how it becomes a mask by its own rules, in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.image_input import Shape, shape_text
from nightseg_ros.labels.label_set import IGNORE, LabelSet

LOGITS, PROBABILITIES, IDS = "logits", "probabilities", "ids"
SIGMOID, BINARY_LOGITS = "sigmoid", "binary-logits"
KINDS = (LOGITS, PROBABILITIES, IDS, SIGMOID, BINARY_LOGITS)
BINARY = (SIGMOID, BINARY_LOGITS)
BAND = 64
"""Rows that are upsampled at once."""

Floats = NDArray[np.float32]
Maps = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class MaskOutput:
    """The output that contains the classes of an image."""

    name: str
    kind: str
    type: str
    shape: Shape
    """As returned for one image."""
    channels_last: bool
    because: str
    """What the kind is concluded from."""

    def __str__(self) -> str:
        """Return name, type, shape and kind for people."""
        return f"{self.name}, {self.type} {shape_text(self.shape)}: {self.kind} ({self.because})"

    @property
    def channels(self) -> int:
        """The number of channels; 1 where the output has no such axis."""
        return self.shape[3 if self.channels_last else 1] if len(self.shape) == 4 else 1

    @property
    def map_size(self) -> tuple[int, int]:
        """Height and width of the map."""
        height, width = self.shape[1:3] if self.channels_last else self.shape[-2:]
        return height, width

    def planes(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return what the network returned as (H, W, channels)."""
        if len(self.shape) == 4 and not self.channels_last:
            return np.asarray(values[0].transpose(1, 2, 0))
        return values.reshape(*self.map_size, self.channels)

    def maps(self, values: NDArray[np.generic], size: tuple[int, int], labels: LabelSet) -> Maps:
        """Return mask and confidence of one image of `size` from what the network returned."""
        planes = self.planes(values)
        if self.kind == IDS:
            ids = _nearest(planes[..., 0].astype(np.int64), size)
            mask = np.where((ids < 0) | (ids > IGNORE), IGNORE - 1, ids).astype(np.uint8)
            confidence = np.full(size, 255, np.uint8)
        else:
            scores = planes.astype(np.float32)
            mask = self._classes(scores, size)
            sure = _linear(_linear(self._largest_share(scores), 1, size[1]), 0, size[0])
            confidence = np.nan_to_num(sure[..., 0] * 255.0).clip(0, 255).astype(np.uint8)
        mask[np.isin(mask, list(labels.void))] = IGNORE
        return mask, confidence

    def _classes(self, scores: Floats, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the classes at full size; upsampled in bands, since many classes fill memories."""
        wide, mask = _linear(scores, 1, size[1]), np.empty(size, np.uint8)
        threshold = 0.5 if self.kind == SIGMOID else 0.0
        for top in range(0, size[0], BAND):
            rows = slice(top, top + BAND)
            full = _linear(wide, 0, size[0], rows)
            on = full[..., 0] > threshold
            mask[rows] = on if self.kind in BINARY else full.argmax(axis=2)
        return mask

    def _largest_share(self, scores: Floats) -> Floats:
        if self.kind == LOGITS:
            powers = np.exp(scores - scores.max(axis=2, keepdims=True))
            return np.asarray(1.0 / powers.sum(axis=2, keepdims=True), np.float32)
        if self.kind == PROBABILITIES:
            return np.asarray(scores.max(axis=2, keepdims=True))
        on = scores if self.kind == SIGMOID else 1.0 / (1.0 + np.exp(-scores))
        return np.asarray(np.maximum(on, 1.0 - on))


def _linear(planes: Floats, axis: int, wanted: int, part: slice = slice(None)) -> Floats:
    """Return a part of (h, w, n) values resized along an axis, bilinear with aligned edges."""
    own = planes.shape[axis]
    places = np.clip((np.arange(wanted) + 0.5) * own / wanted - 0.5, 0, own - 1)[part]
    before = places.astype(np.intp)
    if own == wanted:
        return np.asarray(planes.take(before, axis))
    after = np.minimum(before + 1, own - 1)
    share = (places - before).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    mixed = planes.take(before, axis) * (1 - share) + planes.take(after, axis) * share
    return np.asarray(mixed, np.float32)


def _nearest(ids: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.int64]:
    height, width = ids.shape
    rows, columns = (np.arange(n) * own // n for n, own in zip(size, (height, width), strict=True))
    return np.asarray(ids[rows[:, None], columns])
