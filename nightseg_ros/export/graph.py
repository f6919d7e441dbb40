# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The exported graph: bytes of an image in, bytes of mask and confidence out.

Bytes become floats first and floats become bytes last, and integers never become bytes directly:
TensorRT supports uint8 only as inputs and outputs, cast from and to floats.
"""

from __future__ import annotations

from torch import Tensor, nn, uint8
from torch.nn import functional as F

from nightseg_ros.learning.networks.pooling import GridPool
from nightseg_ros.learning.networks.segmenter import Segmenter


def fix_pooling(network: Segmenter, height: int, width: int) -> None:
    """Give every pyramid pooling of `network` constant windows for this input size.

    A network may contain others; a module inside one of them has its stride.
    """
    for part in network.modules():
        if isinstance(part, Segmenter):
            for module in part.modules():
                if isinstance(module, GridPool):
                    module.fix(height // part.stride, width // part.stride)


class SegmentationGraph(nn.Module):
    """uint8 (N, H, W, 3) RGB -> uint8 mask (N, H, W) and uint8 confidence (N, H, W).

    The mask is the arg-max of the bilinearly upsampled scores. The confidence, 255 times the
    largest soft-max, is computed at the network's own 1/8 resolution and then upsampled: at full
    resolution it would cost a tenth of the network without more information.
    """

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Run the network on the bytes of images."""
        height, width = image.shape[1], image.shape[2]
        x = image.float().permute(0, 3, 1, 2) * (1.0 / 255.0)
        scores = self.network.deployed_logits(x)
        full = F.interpolate(scores, (height, width), mode="bilinear", align_corners=False)
        mask = full.argmax(1).float().to(uint8)
        # The largest soft-max: all that is needed of it, at a third of the time.
        largest = 1.0 / (scores - scores.amax(1, keepdim=True)).exp().sum(1, keepdim=True)
        largest = F.interpolate(largest, (height, width), mode="bilinear", align_corners=False)
        return mask, (largest.squeeze(1) * 255.0).to(uint8)


class TranslationGraph(nn.Module):
    """uint8 (N, H, W, 3) RGB -> uint8 (N, H, W, 3) RGB of the other time of day."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> Tensor:
        """Translate the bytes of images."""
        x = image.float().permute(0, 3, 1, 2) * (2.0 / 255.0) - 1.0
        y = (self.generator(x).clamp(-1.0, 1.0) + 1.0) * 127.5 + 0.5
        pixels: Tensor = y.permute(0, 2, 3, 1).to(uint8)
        return pixels
