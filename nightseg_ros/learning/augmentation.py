# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Geometry and colour augmentation of whole batches, on the device that holds them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE


@dataclass(frozen=True)
class AugmentConfig:
    """How strongly to vary the training images."""

    zoom: tuple[float, float] = (0.8, 2.2)
    stretch: float = 0.15  # of the aspect ratio, either way
    rotate_deg: float = 4.0
    flip: bool = True
    jitter: float = 0.4  # brightness, contrast and saturation, either way
    cast: float = 0.1  # gain of each colour channel, either way
    blur: float = 0.3  # share of images
    night: float = 0.0  # share of images that are relit as night

    def __post_init__(self) -> None:
        if not 0.1 <= self.zoom[0] <= self.zoom[1] <= 8.0:
            raise NightsegError(f"augment.zoom is {self.zoom}; use 0.1 <= low <= high <= 8")
        for name in ("stretch", "jitter", "cast", "blur", "night"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise NightsegError(f"augment.{name} is {getattr(self, name)}; use 0 to 1")


def uniform(n: int, low: float, high: float, like: Tensor) -> Tensor:
    """Return n uniform random numbers shaped to multiply a batch of images."""
    return torch.empty(n, 1, 1, 1, device=like.device).uniform_(low, high)


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
    grid = F.affine_grid(theta, [n, 3, *size], align_corners=False)
    views = F.grid_sample(images, grid, mode="bilinear", align_corners=False)
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
