# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every segmentation network is: class scores at a fraction of the size of the image."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F


class Segmenter(nn.Module):
    """A network for images (N, 3, H, W) in [0, 1] RGB whose sides are multiples of `stride`."""

    stride: int

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Return class scores at the network's own, smaller size."""

    def deployed_logits(self, x: Tensor) -> Tensor:
        """Return the same scores up to rounding, in the order that costs least without training."""
        return self.logits(x)

    def outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the main scores, and after them those of further outputs, if there are any."""
        return (self.logits(x),)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores at the input size."""
        scores, size = self.logits(x), x.shape[-2:]
        return F.interpolate(scores, size=size, mode="bilinear", align_corners=False)
