# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A whole data set as two uint8 tensors, on the device that trains on it.

Driving sets of a few thousand frames at training size fit in the memory of any GPU that can train;
reading and decoding them once leaves nothing but the network to wait for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE
from nightseg_ros.learning.config import SourceConfig
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.datasets.image_files import read_image
from nightseg_ros.learning.datasets.sample import DrivingSet
from nightseg_ros.learning.set_names import figure_name

RARE_PIXELS = 60  # a class counts as present in a cached frame from this many pixels
RARE_SHARE = 0.15  # classes in fewer frames than this are drawn more often
RARE_LIMIT = 3.0

Sets = dict[str, tuple[Tensor, Tensor]]
"""Frames and labels of validation sets, by the name that figures on them have."""


def fit(image: NDArray[np.uint8], size: tuple[int, int], pad: int) -> NDArray[np.uint8]:
    """Return `image` scaled to fit `size` (height, width), centred on a ground of `pad`.

    Three-channel images are averaged when they shrink, label ids are never mixed.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    new = (max(1, round(height * scale)), max(1, round(width * scale)))
    how = cv2.INTER_NEAREST if image.ndim == 2 else cv2.INTER_LINEAR
    if image.ndim == 3 and scale < 1:
        how = cv2.INTER_AREA
    out = np.full((*size, *image.shape[2:]), pad, np.uint8)
    top, left = (size[0] - new[0]) // 2, (size[1] - new[1]) // 2
    out[top : top + new[0], left : left + new[1]] = cv2.resize(
        image, (new[1], new[0]), interpolation=how
    )
    return out


class Numbers(Dataset[int]):
    """The numbers below `count`: what a loader hands out where the frames are on the device."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


@dataclass
class TensorSet:
    """Frames (N, H, W, 3) and labels (N, H, W), with how often each frame is to be drawn."""

    images: Tensor
    labels: Tensor
    weights: Tensor
    relight: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> TensorSet:
        """Return the set with its frames and labels on `device`."""
        return TensorSet(
            self.images.to(device), self.labels.to(device), self.weights, self.relight.to(device)
        )

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames (n, 3, H, W) in [0, 1] and labels (n, H, W) uint8."""
        frames = self.images[indices.to(self.images.device)]
        return frames.permute(0, 3, 1, 2).float() / 255, self.labels[indices.to(self.labels.device)]


def expand(spec: str, data: str) -> str:
    """Put the data folder in the place of {data} in a data-set text."""
    if "{data}" in spec and not data:
        raise NightsegError(
            f"the recipe reads '{spec}', but no data folder is known; "
            "give --data DIR or set NIGHTSEG_DATA"
        )
    return spec.replace("{data}", data)


def load_frames(driving_set: DrivingSet, size: tuple[int, int]) -> tuple[Tensor, Tensor, list[str]]:
    """Return images, labels and file stems of a set; labels of an unlabelled set are all 255."""
    images, labels, stems = [], [], []
    target = None if driving_set.label_set is None else "cityscapes19"
    for sample, image, label in driving_set.load_all(target):
        stems.append(sample.image.stem)
        images.append(fit(image, size, 0))
        blank = np.full(size, IGNORE, np.uint8)
        labels.append(blank if label is None else fit(label, size, IGNORE))
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(labels)), stems


def load_sets(specs: Iterable[str], data: str, size: tuple[int, int]) -> Sets:
    """Return frames and labels of each set that a recipe validates on."""
    return {
        figure_name(spec): load_frames(open_set(expand(spec, data)), size)[:2] for spec in specs
    }


def load_source(source: SourceConfig, data: str, size: tuple[int, int], seed: int) -> TensorSet:
    """Read one training source of a recipe."""
    images, labels, stems = load_frames(open_set(expand(source.data, data)), size)
    order = np.random.default_rng(seed).permutation(len(images))
    if source.replace:
        if source.replace > len(images):
            raise NightsegError(
                f"{source.data}: replace is {source.replace}, the set has {len(images)} frames"
            )
        translated = {path.stem: path for path in open_folder(expand(source.translated, data))}
        for index in order[: source.replace]:
            stem = stems[index]
            if stem not in translated:
                raise NightsegError(
                    f"{source.translated} holds no translation of {stem}; run nightseg translate"
                )
            images[index] = torch.from_numpy(fit(read_image(translated[stem]), size, 0))
    if source.count or source.skip:
        if source.skip >= len(images):
            raise NightsegError(
                f"{source.data}: skip is {source.skip}, the set has {len(images)} frames"
            )
        end = source.skip + source.count if source.count else len(images)
        keep = torch.from_numpy(np.sort(order[source.skip : end]))
        images, labels = images[keep], labels[keep]
    relight = torch.full((len(images),), source.relight)
    return TensorSet(images, labels, source.weight * draw_weights(labels), relight)


def open_folder(folder: str) -> list[Path]:
    """Return the image files in a plain folder."""
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in (".jpg", ".png"))
    if not paths:
        raise NightsegError(f"{folder} holds no .jpg or .png files")
    return paths


def draw_weights(labels: Tensor, classes: int = 19) -> Tensor:
    """Return how often to draw each frame, summing to 1: frames with rare classes more often."""
    weights = torch.ones(len(labels), dtype=torch.float64)
    for index in range(classes):
        present = (labels == index).flatten(1).sum(1) > RARE_PIXELS
        share = float(present.float().mean())
        if 0 < share < 1:
            weights += present * min(RARE_LIMIT, RARE_SHARE / share)
    return weights / weights.sum()


def join(parts: list[TensorSet]) -> TensorSet:
    """Return one set of all parts."""
    return TensorSet(
        torch.cat([p.images for p in parts]),
        torch.cat([p.labels for p in parts]),
        torch.cat([p.weights for p in parts]),
        torch.cat([p.relight for p in parts]),
    )


def class_shares(tensors: TensorSet, classes: int) -> Tensor:
    """Return the classes' shares of the labelled pixels, as they are drawn."""
    totals = torch.zeros(classes, dtype=torch.float64)
    for labels, weight in zip(tensors.labels, tensors.weights, strict=True):
        totals += weight * torch.bincount(labels.flatten().long(), minlength=256)[:classes]
    if not totals.sum():
        raise NightsegError("the training sets hold no labelled pixel")
    return (totals / totals.sum()).float()
