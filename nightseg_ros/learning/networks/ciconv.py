# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CIConv (Lengyel et al., 2021): a first layer that leaves only what the light does not change.

In the Gaussian colour model an edge that is divided by the intensity beneath it depends on the
surfaces alone, neither on how bright nor from where they are lit. `W` is the sum of the squares of
these edges; a network behind it never sees the image itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.learning.networks.segmenter import Segmenter

COLOUR_MODEL = ((0.06, 0.63, 0.27), (0.3, 0.04, -0.35), (0.34, -0.6, 0.17))
"""RGB to intensity and its first and second derivative by wavelength."""
EPS = 1e-5
SCALE_LIMIT = 2.5
REACH = 3.0  # of the filters, in standard deviations


class ColourInvariantW(nn.Module):
    """Images (N, 3, H, W) in [0, 1] to (N, 1, H, W) of mean 0 and variance 1 in every image.

    The width of its Gaussian filters, 2 ** scale pixels, is learned. They are separable: a filter
    along the rows and one along the columns give what the square one would.
    """

    model: Tensor
    smooth: Tensor
    slope: Tensor

    def __init__(self, scale: float = 0.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([scale]))
        self.register_buffer("model", torch.tensor(COLOUR_MODEL).view(3, 3, 1, 1), persistent=False)
        smooth, slope = self.filters()
        self.register_buffer("smooth", smooth.detach(), persistent=False)
        self.register_buffer("slope", slope.detach(), persistent=False)

    def filters(self) -> tuple[Tensor, Tensor]:
        """Return a Gaussian and its derivative along one axis, their sizes summing to 1."""
        # The gradient has to come through where the scale is beyond its limits, to bring it back.
        limited = self.scale + (self.scale.clamp(-SCALE_LIMIT, SCALE_LIMIT) - self.scale).detach()
        sigma = 2.0**limited
        reach = math.ceil(REACH * float(sigma.detach()) + 0.5)
        x = torch.arange(-reach, reach + 1, device=self.scale.device, dtype=self.scale.dtype)
        smooth = torch.exp(-((x / sigma) ** 2) / 2)
        slope = -x * smooth
        return smooth / smooth.sum(), slope / slope.abs().sum()

    def train(self, mode: bool = True) -> ColourInvariantW:
        """Hold the filters as they are now: exported graphs take them as constants."""
        super().train(mode)
        with torch.no_grad():
            self.smooth, self.slope = self.filters()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return W of the images."""
        if not torch.compiler.is_compiling() and torch.is_autocast_enabled(x.device.type):
            # Edges in the dark are large quotients of small numbers, for which 16 bit are too few.
            with torch.autocast(x.device.type, enabled=False):
                return self._invariant(x.float())
        return self._invariant(x)

    def _invariant(self, x: Tensor) -> Tensor:
        held = torch.compiler.is_compiling()
        smooth, slope = (self.smooth, self.slope) if held else self.filters()
        colours = F.conv2d(x, self.model)
        smoothed = _along(colours, smooth, 2)
        intensity = _along(smoothed[:, :1], smooth, 3) + EPS
        across = _along(smoothed, slope, 3) / intensity
        down = _along(_along(colours, slope, 2), smooth, 3) / intensity
        w = (across * across + down * down).sum(1, keepdim=True)
        return F.instance_norm(torch.log(w + EPS))


def _along(maps: Tensor, filter: Tensor, axis: int) -> Tensor:
    """Convolve every map with a filter along an axis, on a ground of zeros."""
    reach, channels = len(filter) // 2, maps.shape[1]
    shape = (len(filter), 1) if axis == 2 else (1, len(filter))
    padding = (reach, 0) if axis == 2 else (0, reach)
    weight = filter.view(1, 1, *shape).expand(channels, 1, *shape)
    return F.conv2d(maps, weight, padding=padding, groups=channels)


class BehindInvariant(Segmenter):
    """A segmentation network that sees W in all three channels instead of the image.

    With its first convolution a network sums the channels, so three equal ones are to it what one
    would be to a network with the summed weights; any network and any of its weights will do.
    """

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.invariant = ColourInvariantW()
        self.network = network
        self.stride = network.stride
        names: tuple[str, ...] = getattr(network, "stages", ())
        self.stages = tuple(f"network.{name}" for name in names)

    def logits(self, x: Tensor) -> Tensor:
        """Return the class scores of the network for W of the images."""
        return self.network.logits(self._seen(x))

    def outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return all scores of the network for W of the images."""
        return self.network.outputs(self._seen(x))

    def _seen(self, x: Tensor) -> Tensor:
        w: Tensor = self.invariant(x)
        return w.expand(-1, 3, -1, -1)
