# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Geometry and colour augmentation of whole batches, on the device that holds them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import rising, within

FINE = 1.5
"""Sources that are wider than the view by more than this are sampled twice as densely."""


@dataclass(frozen=True)
class AugmentConfig(Keys, subject="augment."):
    """How strongly to vary the training images."""

    zoom: tuple[float, float] = key(
        "range of the magnification of a view", (0.8, 2.2), rising(0.1, 8)
    )
    stretch: float = key("change of the aspect ratio, either way", 0.15, within(0, 1))
    rotate_deg: float = key("rotation in degrees, either way", 4.0, within(0, 180))
    flip: bool = key("mirror half of the views", True)
    jitter: float = key(
        "change of brightness, contrast and saturation, either way", 0.4, within(0, 1)
    )
    cast: float = key("change of the gain of each colour channel, either way", 0.1, within(0, 1))
    blur: float = key("share of images that are blurred", 0.3, within(0, 1))
    night: float = key(
        "share of images of sets with `relight` that are relit as night", 0.0, within(0, 1)
    )
    paste: float = key(
        "share of views that get the rare objects of another view", 0.0, within(0, 1)
    )


def uniform(n: int, low: float, high: float, like: Tensor) -> Tensor:
    """Return n uniform random numbers shaped to multiply a batch of images."""
    return torch.empty(n, 1, 1, 1, device=like.device).uniform_(low, high)


def random_crops(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Return views (N, 3, *size) of frames (N, H, W, 3): one random place, mirrored or not."""
    height, width = size
    top = random.randint(0, frames.shape[1] - height)
    left = random.randint(0, frames.shape[2] - width)
    crops = frames[:, top : top + height, left : left + width].permute(0, 3, 1, 2).float()
    return crops.flip(3) if random.random() < 0.5 else crops


def random_view(
    images: Tensor, labels: Tensor, size: tuple[int, int], config: AugmentConfig
) -> tuple[Tensor, Tensor]:
    """Cut a random, zoomed, turned and flipped view of `size` out of every image.

    `images` (N, 3, H, W) in [0, 1], `labels` (N, H, W) uint8. What lies outside the image is black
    and unlabelled.
    """
    n, device = images.shape[0], images.device
    low, high = math.log(config.zoom[0]), math.log(config.zoom[1])
    zoom = torch.empty(n, device=device).uniform_(low, high).exp()
    stretch = torch.empty(n, device=device).uniform_(-config.stretch, config.stretch).exp()
    angle = torch.empty(n, device=device).uniform_(-1, 1) * math.radians(config.rotate_deg)
    sign = torch.ones(n, device=device)
    if config.flip:
        sign = torch.where(torch.rand(n, device=device) < 0.5, -sign, sign)
    # Half extents of the view in the source's normalised coordinates, and how far it may slide.
    aspect = (size[0] / size[1]) * (images.shape[3] / images.shape[2])
    half_x, half_y = stretch.sqrt() / zoom, aspect / stretch.sqrt() / zoom
    slide_x = (1 - half_x).clamp(min=0.05) * torch.empty(n, device=device).uniform_(-1, 1)
    slide_y = (1 - half_y).clamp(min=0.05) * torch.empty(n, device=device).uniform_(-1, 1)
    ratio = images.shape[3] / images.shape[2]
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([sign * half_x * cos, -half_y * sin / ratio, slide_x], 1),
            torch.stack([sign * half_x * sin * ratio, half_y * cos, slide_y], 1),
        ],
        1,
    )
    # Two samples a pixel each way where the source is much finer than the view: one would alias.
    fine = 2 if images.shape[3] > FINE * size[1] else 1
    dense = F.affine_grid(theta, [n, 3, fine * size[0], fine * size[1]], align_corners=False)
    views = F.grid_sample(images, dense, mode="bilinear", align_corners=False)
    views = F.avg_pool2d(views, fine) if fine > 1 else views
    grid = F.affine_grid(theta, [n, 3, *size], align_corners=False)
    # Ids are moved up by one so that the zeros of the padding become the unlabelled id.
    shifted = (labels.to(torch.int16) + 1) % 256
    ids = F.grid_sample(shifted[:, None].float(), grid, mode="nearest", align_corners=False)
    return views, ((ids[:, 0].to(torch.int16) + IGNORE) % 256).to(torch.uint8)


def jitter_colours(images: Tensor, config: AugmentConfig) -> Tensor:
    """Vary brightness, contrast, saturation, colour cast and sharpness of every image."""
    n, j = images.shape[0], config.jitter
    images = images * uniform(n, 1 - j, 1 + j, images)
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * uniform(n, 1 - j, 1 + j, images) + mean
    grey = images.mean(1, keepdim=True)
    images = (images - grey) * uniform(n, 1 - j, 1 + j, images) + grey
    cast = torch.empty(n, 3, 1, 1, device=images.device).uniform_(1 - config.cast, 1 + config.cast)
    images = (images * cast).clamp(0, 1)
    if config.blur > 0:
        soft = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
        blurred = (torch.rand(n, 1, 1, 1, device=images.device) < config.blur).to(images)
        amount = blurred * uniform(n, 0.2, 1.0, images)
        images = images + amount * (soft - images)
    return images


def paste_objects(
    images: Tensor, labels: Tensor, givers: Tensor, classes: tuple[int, ...], share: float
) -> tuple[Tensor, Tensor]:
    """Paste the pixels of rare `classes` of one view over another of much the same brightness.

    Only views that `givers` marks give theirs; about `share` of the views receive.
    """
    rare = torch.isin(labels, torch.tensor(classes, dtype=labels.dtype, device=labels.device))
    luma = images.mean((1, 2, 3))
    distance = (luma[:, None] - luma[None]).abs()
    distance[:, ~givers.to(luma.device) | ~rare.flatten(1).any(1)] = torch.inf
    distance.fill_diagonal_(torch.inf)
    nearest, partner = distance.min(1)
    receives = (torch.rand(len(images), device=images.device) < share) & nearest.isfinite()
    mask = rare[partner] & receives[:, None, None]
    return (
        torch.where(mask[:, None], images[partner], images),
        torch.where(mask, labels[partner], labels),
    )
