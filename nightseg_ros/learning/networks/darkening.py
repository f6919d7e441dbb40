# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The darkening module of Similarity Min-Max (Luo et al., ICCV 2023): a curve for every pixel.

A small network looks at the frame and at the exposure that is wanted, and gives each pixel and
colour its own curve. Curves keep 0 at 0 and 1 at 1 and never turn down, so that what is brighter
by day is no darker at night: the frame is lit anew, and nothing in it is moved.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError

CURVES = ("quadratic", "gamma", "reciprocal")
CURVE_RECIPES = ("darkening", "enhancement")
WIDTH = 64
_STRONGEST = {"gamma": 3.0, "reciprocal": 6.0}
"""Logarithms of the largest and, negative, of the smallest exponent and bend."""


class CurveEstimator(nn.Module):
    """Eight depth-wise separable convolutions; the later ones see the earlier ones' output too."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        inputs = (4, WIDTH, WIDTH, WIDTH, WIDTH, 2 * WIDTH, 2 * WIDTH, 2 * WIDTH)
        widths = (WIDTH,) * 7 + (outputs,)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, a, 3, padding=1, groups=a), nn.Conv2d(a, b, 1))
            for a, b in zip(inputs, widths, strict=True)
        )

    def forward(self, images: Tensor, exposure: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for images (N, 3, H, W) and a map (N, 1, H, W)."""
        seen: list[Tensor] = []
        x = torch.cat([images, exposure], 1)
        for number, layer in enumerate(self.layers):
            if number > 4:  # 3 beside 4, 2 beside 5, 1 beside 6
                x = torch.cat([seen[8 - number], x], 1)
            if number < 7:
                x = F.relu(layer(x))
                seen.append(x)
        # In full precision: curves of neighbouring pixels differ by less than 16 bits resolve.
        with torch.autocast(x.device.type, enabled=False):
            curves: Tensor = self.layers[-1](x.float())
        return curves


class Darkening(nn.Module):
    """Frames (N, 3, H, W) in [0, 1] at the exposure that is asked for.

    `quadratic` is the published curve: `rounds` times x + A (x^2 - x) on the frame scaled by B,
    which lies between `floor` and 1 and lets what is saturated get darker as well. `gamma` and
    `reciprocal` give each pixel a power, or a bend k x / (1 + k - x), in its place. The estimator
    looks at frames that are `shrink` times smaller, and its curves are enlarged; it sees exposures
    `gain` times as large, without which (1, as published) it takes thousands of steps to heed them.
    `levels` says what to show it for wanted exposures of 0 to 1, in equal steps, so that what comes
    out has the exposure that was asked for; it is found after the training.
    """

    levels: Tensor

    def __init__(
        self,
        curve: str = "quadratic",
        rounds: int = 8,
        floor: float = 0.95,
        shrink: int = 1,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        if curve not in CURVES:
            raise NightsegError(f"curve '{curve}' is unknown; there are {', '.join(CURVES)}")
        self.curve, self.rounds, self.floor = curve, rounds, floor
        self.shrink, self.gain = shrink, gain
        self.estimator = CurveEstimator(6 if curve == "quadratic" else 3)
        self.register_buffer("levels", torch.tensor([0.0, 1.0]), persistent=False)

    def shown(self, exposure: Tensor) -> Tensor:
        """Return what the estimator has to be shown for frames of this exposure."""
        steps = len(self.levels) - 1
        place = exposure.clamp(0.0, 1.0) * steps
        left = place.floor().clamp(max=steps - 1)
        below, above = self.levels[left.long()], self.levels[left.long() + 1]
        return torch.lerp(below, above, place - left)

    def curves(
        self, images: Tensor, exposure: Tensor, size: tuple[int, int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return A in [-1, 1] and B in [floor, 1] of every pixel and colour; more A is darker.

        With `size` (height, width) they are estimated at that size whatever `shrink` says.
        """
        full = (images.shape[2], images.shape[3])
        levels = as_map(exposure, images).expand(-1, 1, *full)
        if size is not None and size != full:
            images, levels = (
                F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)
                for x in (images, levels)
            )
        elif size is None and self.shrink > 1:
            images, levels = (F.avg_pool2d(x, self.shrink) for x in (images, levels))
        raw = self.estimator(images, self.gain * levels)
        if raw.shape[-2:] != full:
            raw = F.interpolate(raw, full, mode="bilinear", align_corners=False)
        bend = raw[:, :3].tanh()
        if self.curve != "quadratic":
            return bend, torch.ones_like(bend)
        return bend, self.floor + (1.0 - self.floor) * raw[:, 3:].sigmoid()

    def apply_curves(self, images: Tensor, bend: Tensor, scale: Tensor) -> Tensor:
        """Return the frames as the curves make them."""
        if self.curve == "gamma":
            return images.clamp(min=1e-4) ** (_STRONGEST["gamma"] * bend).exp()
        if self.curve == "reciprocal":
            k = (-_STRONGEST["reciprocal"] * bend).exp()
            return k * images / (1.0 + k - images)
        x = images * scale
        for _ in range(self.rounds):
            x = x + bend * (x * x - x)
        return x / scale

    def forward(
        self, images: Tensor, exposure: Tensor, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Return the frames at this exposure: one number, one a frame, or a map (N, 1, H, W)."""
        return self.at(images, self.shown(as_map(exposure, images)), size)

    def at(self, images: Tensor, level: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Return the frames as they become where the estimator is shown this level."""
        made = self.apply_curves(images, *self.curves(images, level, size))
        return made.clamp(0.0, 1.0)


class FixedExposure(nn.Module):
    """A darkening at one exposure, as a generator: images in [-1, 1] to images in [-1, 1]."""

    level: Tensor

    def __init__(self, network: Darkening, exposure: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("level", network.shown(torch.tensor(exposure)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the images at the exposure."""
        made = self.network.at((x + 1.0) * 0.5, self.level)
        return made * 2.0 - 1.0


def as_map(exposure: Tensor, images: Tensor) -> Tensor:
    """Return an exposure of any form as (N, 1, 1, 1) or (N, 1, H, W), for these frames."""
    exposure = exposure.to(images)
    if exposure.ndim < 2:
        return exposure.reshape(-1, 1, 1, 1).expand(len(images), 1, 1, 1)
    if exposure.ndim != 4 or exposure.shape[1] != 1:
        raise ValueError(f"exposure of shape {tuple(exposure.shape)}: use (), (N,) or (N, 1, H, W)")
    return exposure
