# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Labels for unlabelled images, made by a teacher network and kept where it is sure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.datasets.image_files import write_png
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import sweep, write_atomically
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, LabelSet
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.tensor_set import stretch

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet

Teacher = Callable[[NDArray[np.uint8]], Tensor]
"""What gives (classes, H, W) probabilities for an (H, W, 3) image."""


def probabilities(
    network: Segmenter, image: NDArray[np.uint8], scales: tuple[float, ...]
) -> Tensor:
    """Return (classes, H, W) probabilities, averaged over scales and the mirrored image."""
    frame = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    frame = frame.to(next(network.parameters()).device)
    height, width = image.shape[:2]
    total: Tensor | None = None
    for scale in scales:
        size = tuple(max(32, round(side * scale / 32) * 32) for side in (height, width))
        view = F.interpolate(frame, size, mode="bilinear", align_corners=False, antialias=True)
        scores = network.logits(torch.cat([view, view.flip(3)])).float()
        probabilities = scores.softmax(1)
        probabilities = probabilities[:1] + probabilities[1:].flip(3)
        full = F.interpolate(probabilities, (height, width), mode="bilinear", align_corners=False)
        total = full if total is None else total + full
    assert total is not None
    return total[0] / (2 * len(scales))


def label_images(
    network: Segmenter | Teacher,
    images: DrivingSet,
    out: Path,
    *,
    threshold: float | NDArray[np.float32] = 0.5,
    scales: tuple[float, ...] = (1.0,),
    max_width: int = 640,
    count: int = 0,
    label_set: LabelSet = CITYSCAPES19,
) -> Iterator[tuple[str, float]]:
    """Write out/labels/NAME.png for every image, and yield its name and labelled share.

    Pixels whose probability is below `threshold`, one for all classes or one each, are 255.
    out/images gets a link to each image, and out/class_names.txt says what the ids mean, so that
    `folder:OUT` is a training set. With `count`, as
    many images spread evenly over the set are labelled. Labels that are there already are kept
    (their share is NaN).
    """
    limits = np.atleast_1d(np.asarray(threshold, np.float32))
    if not scales or not (limits >= 0).all() or not (limits < 1).all():
        raise NightsegError(
            f"threshold is {threshold}, scales are {scales}; use 0 to 1, and one up"
        )
    if not 0 <= count <= len(images):
        raise NightsegError(f"count is {count}; the set has {len(images)} images")
    links, labels = out / "images", out / "labels"
    links.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    sweep(labels)
    names = "".join(f"{label.id} {label.name}\n" for label in label_set.labels)
    write_atomically(out / "class_names.txt", names.encode())
    teacher = _single(network.eval(), scales) if isinstance(network, Segmenter) else network
    for index in np.linspace(0, len(images) - 1, count or len(images)).round().astype(int):
        sample = images.samples[index]
        link, target = links / sample.image.name, labels / f"{sample.image.stem}.png"
        if target.exists() and link.exists():
            yield sample.name, float("nan")
            continue
        image = images.load_image(sample)
        mask = label_image(teacher, image, limits, max_width)
        if not link.exists():
            link.symlink_to(sample.image.resolve())
        write_png(target, mask)
        yield sample.name, float((mask != IGNORE).mean())


def _single(network: Segmenter, scales: tuple[float, ...]) -> Teacher:
    return lambda image: probabilities(network, image, scales)


def label_image(
    teacher: Teacher, image: NDArray[np.uint8], limits: NDArray[np.float32], max_width: int
) -> NDArray[np.uint8]:
    """Return the ids (H, W) of one image, 255 where the teacher is not sure."""
    with torch.inference_mode():
        probabilities = teacher(shrink(image, max_width))
        probability, ids = probabilities.max(0)
        needed = torch.from_numpy(limits).to(probabilities.device).expand(len(probabilities))
        ids = torch.where(probability >= needed[ids], ids, IGNORE)
    mask = ids.to(torch.uint8).cpu().numpy()
    return stretch(mask, (image.shape[0], image.shape[1]))


def shrink(image: NDArray[np.uint8], max_width: int) -> NDArray[np.uint8]:
    """Return `image`, made smaller if it is wider than `max_width`."""
    height, width = image.shape[:2]
    if width <= max_width:
        return image
    small = (max_width, round(height * max_width / width))
    return np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
