# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ways to darken (or brighten) frames, behind one signature, so that they can be compared.

Exposure means the same in all of them: the mean grey value, 0 to 1, that the frame is to have. It
is one number for all frames, one a frame, or a map (N, 1, H, W) of every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.datasets.write_images import write_images
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.networks.darkening import CURVE_RECIPES, Darkening, FixedExposure, as_map
from nightseg_ros.learning.networks.registry import load_weights, read_checkpoint, write_checkpoint

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet
    from nightseg_ros.learning.methods.darkening.config import CurveConfig

Image = NDArray[np.uint8]
Darken = Callable[[Tensor, Tensor], Tensor]
"""(frames (N, 3, H, W) in [0, 1], exposure) -> darkened frames; gradients reach both."""

MODULE = "module"
SHAPE = ("curve", "rounds", "floor", "shrink", "gain")
"""What a module is built with, by the names of its arguments."""
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


@torch.inference_mode()
def darken_image(darken: Darken, image: Image, exposure: float | None) -> Image:
    """Return an (H, W, 3) uint8 image as `darken` makes it; None draws an exposure of night."""
    frame = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    level = night_exposure(frame) if exposure is None else torch.tensor(exposure)
    made = darken(frame, level)[0].permute(1, 2, 0).numpy()
    return np.asarray(np.rint(made * 255), np.uint8)


def darken_images(
    darken: Darken, images: DrivingSet, out: Path, exposure: float | None, seed: int = 0
) -> Iterator[str]:
    """Write out/NAME.png for every image, and yield the names; what is there is kept."""

    def make(number: int, image: Image) -> Image:
        torch.manual_seed(seed + number)  # the same night for a frame, wherever a run began
        return darken_image(darken, image, exposure)

    return write_images(images, out, make)


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


def save_darkening(path: Path, network: Darkening, config: CurveConfig, **about: object) -> None:
    """Write a module's weights with what it takes to build it again."""
    shape = {"kind": config.recipe, **{key: getattr(network, key) for key in SHAPE}}
    shape |= {"levels": network.levels.tolist(), "apply_at": config.apply_at}
    about = {"config": as_plain(config), **about}
    write_checkpoint(path, {"network": shape, "state": network.state_dict(), "about": about})


def load_darkening(path: Path) -> Darkening:
    """Return the module that `save_darkening` wrote, frozen."""
    return _load(path)[0]


def load_fixed_exposure(path: Path, exposure: float | None = None) -> FixedExposure:
    """Return the module as a generator, at this exposure or at the one its recipe names."""
    network, shape = _load(path)
    level = float(shape["apply_at"]) if exposure is None else exposure
    if not 0.0 <= level <= 1.0:
        raise NightsegError(f"exposure is {level}; use 0 to 1, the mean grey value that is wanted")
    return FixedExposure(network, level).eval()


def _load(path: Path) -> tuple[Darkening, dict[str, Any]]:
    content = read_checkpoint(path)
    shape = dict(content["network"])
    if shape.get("kind") not in CURVE_RECIPES:
        raise NightsegError(
            f"{path} holds no darkening module; train one with "
            "`nightseg train config/recipes/darkening.yaml`"
        )
    missing = [key for key in (*SHAPE, "levels") if key not in shape]
    if missing:
        raise NightsegError(
            f"{path} lacks {', '.join(missing)}; it is of an earlier version: train again"
        )
    network = Darkening(**{key: shape[key] for key in SHAPE})
    levels = torch.as_tensor(shape["levels"], dtype=torch.float32)
    if levels.ndim != 1 or len(levels) < 2 or not bool(levels.isfinite().all()):
        raise NightsegError(f"{path}: levels are {shape['levels']}; need two numbers or more")
    network.levels = levels
    load_weights(network, content["state"], path)
    return network.requires_grad_(False).eval(), shape
