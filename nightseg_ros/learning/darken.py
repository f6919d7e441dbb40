# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trained darkening (and brightening) modules: kept, read back, and run over folders of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.darkening_config import CURVE_RECIPES, CurveConfig
from nightseg_ros.learning.darkenings import Darken, night_exposure
from nightseg_ros.learning.datasets.sample import DrivingSet
from nightseg_ros.learning.datasets.write_images import write_images
from nightseg_ros.learning.networks.darkening import Darkening, FixedExposure
from nightseg_ros.learning.networks.registry import load_weights, read_checkpoint, write_checkpoint

Image = NDArray[np.uint8]
NEEDED = ("curve", "rounds", "floor", "shrink", "gain", "levels")


def save_darkening(path: Path, network: Darkening, config: CurveConfig, **about: object) -> None:
    """Write a module's weights with what it takes to build it again."""
    shape = {
        "kind": config.recipe,
        "curve": network.curve,
        "rounds": network.rounds,
        "floor": network.floor,
        "shrink": network.shrink,
        "gain": network.gain,
        "levels": network.levels.tolist(),
        "apply_at": config.apply_at,
    }
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
    missing = [key for key in NEEDED if key not in shape]
    if missing:
        raise NightsegError(
            f"{path} lacks {', '.join(missing)}; it is of an earlier version: train again"
        )
    network = Darkening(
        curve=str(shape["curve"]),
        rounds=int(shape["rounds"]),
        floor=float(shape["floor"]),
        shrink=int(shape["shrink"]),
        gain=float(shape["gain"]),
    )
    levels = torch.as_tensor(shape["levels"], dtype=torch.float32)
    if levels.ndim != 1 or len(levels) < 2 or not bool(levels.isfinite().all()):
        raise NightsegError(f"{path}: levels are {shape['levels']}; need two numbers or more")
    network.levels = levels
    load_weights(network, content["state"], path)
    return network.requires_grad_(False).eval(), shape


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
