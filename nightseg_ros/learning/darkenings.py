# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to make a night frame of a day frame, behind one signature, so that they can be compared.

Exposure means the same in all of them: the mean grey value, 0 to 1, that the frame is to have. It
is one number for all frames, one a frame, or a map (N, 1, H, W) of every frame.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError

Darken = Callable[[Tensor, Tensor], Tensor]
"""(frames (N, 3, H, W) in [0, 1], exposure) -> darkened frames; gradients reach both."""

MODULE = "module"
_HALVINGS = 30
_SOLVE_AT = 4096  # pixels on which an exponent is looked for
_LEAST = 1e-3


def by_brightness(images: Tensor, exposure: Tensor) -> Tensor:
    """Multiply every frame by one number."""
    return _follow(images, exposure, lambda x, level: x * (level / _mean(x)).clamp(max=1.0))


def by_gamma(images: Tensor, exposure: Tensor) -> Tensor:
    """Raise every frame to one power."""
    return _follow(images, exposure, _solved(lambda x, k: x.clamp(min=1e-6) ** (1.0 / k)))


def by_reciprocal(images: Tensor, exposure: Tensor) -> Tensor:
    """Bend every frame by a reciprocal curve, k x / (1 + k - x): convex, 0 and 1 stay."""
    return _follow(images, exposure, _solved(lambda x, k: k * x / (1.0 + k - x)))


METHODS: dict[str, Darken] = {
    "gamma": by_gamma,
    "brightness": by_brightness,
    "reciprocal": by_reciprocal,
}


def darken_by(
    method: str, checkpoint: Path | None = None, size: tuple[int, int] | None = None
) -> Darken:
    """Return the darkening of this name; `module` is the trained one in `checkpoint`.

    With `size` (height, width) the module looks at smaller frames and its curves are enlarged.
    """
    if method == MODULE:
        if checkpoint is None:
            raise NightsegError(
                "darkening by the trained module needs its checkpoint, such as "
                "runs/darkening/darkening.pt; or take one of " + ", ".join(METHODS)
            )
        from nightseg_ros.learning.darken import load_darkening

        network = load_darkening(checkpoint)

        def darken(images: Tensor, exposure: Tensor) -> Tensor:
            made: Tensor = network.to(images.device)(images, exposure, size)
            return made

        return darken
    if method not in METHODS:
        raise NightsegError(
            f"darkening '{method}' is unknown; there are {', '.join((*METHODS, MODULE))}"
        )
    return METHODS[method]


def as_map(exposure: Tensor, images: Tensor) -> Tensor:
    """Return an exposure of any form as (N, 1, 1, 1) or (N, 1, H, W), for these frames."""
    exposure = exposure.to(images)
    if exposure.ndim < 2:
        return exposure.reshape(-1, 1, 1, 1).expand(len(images), 1, 1, 1)
    if exposure.ndim != 4 or exposure.shape[1] != 1:
        raise ValueError(f"exposure of shape {tuple(exposure.shape)}: use (), (N,) or (N, 1, H, W)")
    return exposure


def night_exposure(
    images: Tensor, high: float = 0.2, noise: float = 0.025, cell: int = 64
) -> Tensor:
    """Return random exposure maps of night: one level a frame, uneven by pixel and by patch.

    `cell` is the side of a patch in pixels: 64 for street scenes, 16 for small pictures.
    """
    n, _, height, width = images.shape
    level = torch.rand(n, 1, 1, 1, device=images.device) * high
    cells = (max(1, height // cell), max(1, width // cell))
    patches = noise * torch.randn(n, 1, *cells, device=images.device)
    patches = F.interpolate(patches, (height, width), mode="bilinear", align_corners=False)
    pixels = noise * torch.randn(n, 1, height, width, device=images.device)
    return level + patches + pixels


def _mean(images: Tensor) -> Tensor:
    return images.mean((1, 2, 3), keepdim=True).clamp(min=_LEAST)


def _follow(images: Tensor, exposure: Tensor, curve: Darken) -> Tensor:
    """Bring every frame to its mean exposure by `curve`, then let it follow its map."""
    wanted = as_map(exposure, images).clamp(0.0, 1.0)
    level = wanted.mean((1, 2, 3), keepdim=True).clamp(min=_LEAST)
    return (curve(images, level) * (wanted / level)).clamp(0.0, 1.0)


def _solved(curve: Darken) -> Darken:
    """Return a darkening by `curve(frames, k)`, whose k in (0, inf) is found by halving.

    Small k are dark. No frame is made brighter than it is.
    """

    @torch.no_grad()
    def solve(images: Tensor, level: Tensor) -> Tensor:
        stride = max(1, int((images.shape[2] * images.shape[3] / _SOLVE_AT) ** 0.5))
        few = images[:, :, ::stride, ::stride]
        low, high = torch.full_like(level, -8.0), torch.full_like(level, 8.0)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            brighter = _mean(curve(few, middle.exp())) > level
            high, low = torch.where(brighter, middle, high), torch.where(brighter, low, middle)
        return ((low + high) / 2).exp()

    return lambda images, level: torch.minimum(images, curve(images, solve(images, level)))
