# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A whole data set as two uint8 tensors, on the device that trains on it.

Driving sets of a few thousand frames at training size fit in the memory of any GPU that can train;
reading and decoding them once leaves nothing but the network to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import Tensor

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.datasets.image_files import read_image
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, LabelSet
from nightseg_ros.learning.source_config import figure_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.datasets.sample import DrivingSet
    from nightseg_ros.learning.source_config import SourceConfig

RARE_PIXELS = 60  # a class counts as present in a cached frame from this many pixels
RARE_SHARE = 0.15  # classes in fewer frames than this are drawn more often
RARE_LIMIT = 3.0

Cut = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""What makes views of frames (n, 3, H, W) and their labels (n, H, W)."""

Numbers: Any = range
"""The numbers below a count, for a loader to hand out where the frames are on the device."""

Sets = dict[str, tuple[Tensor, Tensor]]
"""Frames and labels of validation sets, by the name that figures on them have."""


def fit(image: NDArray[np.uint8], size: tuple[int, int], pad: int) -> NDArray[np.uint8]:
    """Return `image` scaled to fit `size` (height, width), centred on a ground of `pad`.

    Three-channel images are averaged when they shrink, label ids are never mixed.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    new = (max(1, round(height * scale)), max(1, round(width * scale)))
    out = np.full((*size, *image.shape[2:]), pad, np.uint8)
    top, left = (size[0] - new[0]) // 2, (size[1] - new[1]) // 2
    out[top : top + new[0], left : left + new[1]] = stretch(image, new)
    return out


def stretch(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an image, or ids, scaled to `size` (height, width) on one grid of pixel centres."""
    if image.ndim == 2:
        rows, columns = map(_nearest, image.shape, size)
        return image.take(columns, axis=1)[rows]  # several times as fast as both at once
    how = cv2.INTER_AREA if size[0] < image.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=how), np.uint8)


def _nearest(size: int, new: int) -> NDArray[np.intp]:
    """Return which of `size` pixels is nearest to the centre of each of `new` pixels.

    OpenCV takes the corner of a pixel, or always the later of two that are equally near: ids would
    lie off their image. Here it is the later one and the earlier one in turn.
    """
    places = np.arange(new)
    return ((places + 0.5) * size / new - 1e-6 * (places % 2)).astype(np.intp)


@dataclass
class TensorSet:
    """Frames (N, H, W, 3) and labels (N, H, W), with how often each frame is to be drawn."""

    images: Tensor
    labels: Tensor
    weights: Tensor
    relight: Tensor
    fill: bool = False
    """Whether a training may label what is unlabelled here."""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def parts(self) -> tuple[TensorSet, ...]:
        """The sets of one frame size that this one is made of: itself."""
        return (self,)

    @property
    def filled(self) -> Tensor:
        """Whether each frame's unlabelled pixels may be labelled in training."""
        return torch.full((len(self),), self.fill)

    def to(self, device: torch.device) -> TensorSet:
        """Return the set with its frames and labels on `device`."""
        images, labels = self.images.to(device), self.labels.to(device)
        return TensorSet(images, labels, self.weights, self.relight.to(device), self.fill)

    def batch(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return frames (n, 3, H, W) in [0, 1] and labels (n, H, W) uint8."""
        frames = self.images[indices.to(self.images.device)]
        return frames.permute(0, 3, 1, 2).float() / 255, self.labels[indices.to(self.labels.device)]

    def views(self, indices: Tensor, cut: Cut) -> tuple[Tensor, Tensor]:
        """Return what `cut` makes of these frames and labels."""
        return cut(*self.batch(indices))


class JoinedSet:
    """Several sets, each with frames of its own size, drawn from as one."""

    def __init__(self, parts: Sequence[TensorSet]) -> None:
        self.parts = tuple(parts)
        self.weights = torch.cat([part.weights for part in parts])
        self.relight = torch.cat([part.relight for part in parts])
        self.filled = torch.cat([part.filled for part in parts])
        ends = torch.tensor([len(part) for part in parts]).cumsum(0)
        self._ends, self._starts = ends, torch.cat([ends.new_zeros(1), ends[:-1]])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def to(self, device: torch.device) -> JoinedSet:
        """Return the set with its frames and labels on `device`."""
        return JoinedSet([part.to(device) for part in self.parts])

    def views(self, indices: Tensor, cut: Cut) -> tuple[Tensor, Tensor]:
        """Return what `cut`, whose views have one size, makes of these frames and labels."""
        indices = indices.cpu()
        owner = torch.bucketize(indices, self._ends, right=True)
        made: list[tuple[Tensor, Tensor]] = []
        order: list[Tensor] = []
        for number in sorted(set(owner.tolist())):
            places = (owner == number).nonzero().flatten()
            made.append(self.parts[number].views(indices[places] - self._starts[number], cut))
            order.append(places)
        back = torch.cat(order).argsort()
        images, labels = (torch.cat(list(some)) for some in zip(*made, strict=True))
        return images[back.to(images.device)], labels[back.to(labels.device)]


Frames = TensorSet | JoinedSet
"""What a training draws its frames from."""


def expand(spec: str, data: str) -> str:
    """Put the data folder in the place of {data} in a data-set text."""
    if "{data}" in spec and not data:
        raise NightsegError(
            f"the recipe reads '{spec}', but no data folder is known; "
            "give --data DIR or set NIGHTSEG_DATA"
        )
    return spec.replace("{data}", data)


def load_frames(
    driving_set: DrivingSet,
    size: tuple[int, int],
    target: LabelSet | str = "cityscapes19",
    *,
    stretched: bool = False,
) -> tuple[Tensor, Tensor, list[str]]:
    """Return images, labels as ids of `target`, and file stems of a set, at `size`.

    Frames are fitted into the size, with bars, or stretched to it. Labels of an unlabelled set are
    all 255.
    """
    images, labels, stems = [], [], []
    wanted = None if driving_set.label_set is None else target
    for sample, image, label in driving_set.load_all(wanted):
        stems.append(sample.image.stem)
        label = np.full(image.shape[:2], IGNORE, np.uint8) if label is None else label
        images.append(stretch(image, size) if stretched else fit(image, size, 0))
        labels.append(stretch(label, size) if stretched else fit(label, size, IGNORE))
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(labels)), stems


def read_as(labels: LabelSet) -> LabelSet | str:
    """Return the label set as which sources are read: with the groups that coarser sets label."""
    return "cityscapes19_groups" if labels == CITYSCAPES19 else labels


def load_sets(
    specs: Iterable[str],
    data: str,
    size: tuple[int, int],
    labels: LabelSet = CITYSCAPES19,
    *,
    stretched: bool = False,
) -> Sets:
    """Return frames and labels of each set that is measured on, fitted into `size` or stretched.

    Sets that are joined by " + " are one set. Those with drivable masks have them as label "road".
    A pixel of which only a group of classes is known, as coarser sets label them, is not scored.
    """
    found: Sets = {}
    for spec in specs:
        parts = [
            load_frames(
                open_set(expand(part.strip(), data)), size, read_as(labels), stretched=stretched
            )[:2]
            for part in spec.split(" + ")
        ]
        images, ids = (torch.cat(list(some)) for some in zip(*parts, strict=True))
        found[figure_name(spec)] = (images, ids.masked_fill(ids >= labels.count, IGNORE))
    return found


def load_source(
    source: SourceConfig,
    data: str,
    size: tuple[int, int],
    seed: int,
    labels: LabelSet = CITYSCAPES19,
) -> TensorSet:
    """Read one training source of a recipe, at its own size or fitted into `size`."""
    stretched = source.size != (0, 0)
    size = source.size if stretched else size
    images, ids, stems = load_frames(
        open_set(expand(source.data, data)), size, read_as(labels), stretched=stretched
    )
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
            image = read_image(translated[stem])
            image = stretch(image, size) if stretched else fit(image, size, 0)
            images[index] = torch.from_numpy(image)
    if source.count or source.skip:
        if source.skip >= len(images):
            raise NightsegError(
                f"{source.data}: skip is {source.skip}, the set has {len(images)} frames"
            )
        end = source.skip + source.count if source.count else len(images)
        keep = torch.from_numpy(np.sort(order[source.skip : end]))
        images, ids = images[keep], ids[keep]
    relight = torch.full((len(images),), source.relight)
    weights = source.weight * draw_weights(ids, labels.count)
    return TensorSet(images, ids, weights, relight, source.fill)


def open_folder(folder: str) -> list[Path]:
    """Return the image files in a plain folder."""
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in (".jpg", ".png"))
    if not paths:
        raise NightsegError(f"{folder} holds no .jpg or .png files")
    return paths


def draw_weights(labels: Tensor, classes: int = 19) -> Tensor:
    """Return how often to draw each frame, summing to 1: frames with rare classes more often."""
    weights = torch.ones(len(labels), dtype=torch.float64)
    for present in (_pixels(labels)[:, :classes] > RARE_PIXELS).unbind(1):
        share = float(present.float().mean())
        if 0 < share < 1:
            weights += present * min(RARE_LIMIT, RARE_SHARE / share)
    return weights / weights.sum()


def concatenate(parts: Sequence[TensorSet]) -> TensorSet:
    """Return one set of all parts, whose frames must have one size."""
    return TensorSet(
        torch.cat([part.images for part in parts]),
        torch.cat([part.labels for part in parts]),
        torch.cat([part.weights for part in parts]),
        torch.cat([part.relight for part in parts]),
    )


def class_shares(tensors: Frames, classes: int) -> Tensor:
    """Return the classes' shares of the labelled pixels, as they are drawn."""
    totals = torch.zeros(classes, dtype=torch.float64)
    for part in tensors.parts:
        totals += part.weights.double() @ _pixels(part.labels)[:, :classes].double()
    if not totals.sum():
        raise NightsegError("the training sets hold no labelled pixel")
    return (totals / totals.sum()).float()


def _pixels(labels: Tensor) -> Tensor:
    """Return how many pixels of each frame (N, H, W) have each id: (N, 256)."""
    return torch.stack([torch.bincount(one.flatten(), minlength=256) for one in labels])
