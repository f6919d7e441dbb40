# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The scores of one frame, at the size of its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter

Size = tuple[int, int]


def whole_strides(size: Size, stride: int) -> Size:
    """Return the least size, of whole strides, that holds `size`.

    >>> whole_strides((180, 320), 8)
    (184, 320)
    """
    return -(-size[0] // stride) * stride, -(-size[1] // stride) * stride


def at_whole_strides(images: Tensor, stride: int) -> Tensor:
    """Return the images for a network of this stride, slightly stretched if they must be."""
    height, width = images.shape[-2:]
    size = whole_strides((height, width), stride)
    if size != (height, width):
        images = F.interpolate(images, size, mode="bilinear", align_corners=False)
    return images.contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def score_frame(network: Segmenter, frame: Tensor, seen: Size, size: Size) -> Tensor:
    """Return scores (C, H, W) at `size` of a frame (h, w, 3) uint8 that is shown at `seen`."""
    image = frame.permute(2, 0, 1)[None].float() / 255
    at = whole_strides(seen, network.stride)
    image = F.interpolate(image, at, mode="bilinear", align_corners=False, antialias=True)
    scores = network.logits(image).float()
    return F.interpolate(scores, size, mode="bilinear", align_corners=False)[0]
