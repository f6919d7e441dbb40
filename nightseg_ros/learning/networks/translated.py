# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A frozen segmentation network that looks through a translator."""

from __future__ import annotations

from torch import Tensor, nn

from nightseg_ros.learning.networks.generators import LightBlock, ResidualBlock
from nightseg_ros.learning.networks.segmenter import Segmenter


class Translated(Segmenter):
    """Class scores of `segmenter` for what `generator` makes of the image.

    The segmenter is held in a list: it is no part of this module, so it is neither trained nor
    averaged, nor written into checkpoints. Gradients pass through it.
    """

    def __init__(self, generator: nn.Module, segmenter: Segmenter) -> None:
        super().__init__()
        self.generator = generator
        self._segmenter = [segmenter.requires_grad_(False).eval()]
        self.stride = max(segmenter.stride, 4)

    @property
    def segmenter(self) -> Segmenter:
        """Return the frozen network."""
        return self._segmenter[0]

    def share_segmenter(self, other: Translated) -> None:
        """Use the very segmenter of `other`, which a copy of this module would have doubled."""
        self._segmenter = other._segmenter

    def translate(self, x: Tensor) -> Tensor:
        """Return the translated images, in [0, 1] as they came."""
        made: Tensor = self.generator(x * 2.0 - 1.0)
        return (made + 1.0) / 2.0

    def logits(self, x: Tensor) -> Tensor:
        """Return the segmenter's scores of the translated images."""
        return self.segmenter.logits(self.translate(x))


def last_block(generator: nn.Module) -> nn.Module:
    """Return the last residual block of a generator, by which its bottleneck ends."""
    blocks = [m for m in generator.modules() if isinstance(m, LightBlock | ResidualBlock)]
    if not blocks:
        raise ValueError("the generator has no residual block")
    return blocks[-1]


def channels_of(block: nn.Module) -> int:
    """Return how many channels a residual block carries."""
    first = next(m for m in block.modules() if isinstance(m, nn.Conv2d))
    return first.in_channels
