# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Trained generators: kept, read back, and run over folders of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import nn

from nightseg_ros.datasets.write_images import write_images
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.darkenings import load_fixed_exposure
from nightseg_ros.learning.networks.create_generator import create_generator
from nightseg_ros.learning.networks.darkening import CURVE_RECIPES
from nightseg_ros.learning.networks.registry import load_weights, read_checkpoint, write_checkpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.datasets.sample import DrivingSet
    from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig
    from nightseg_ros.learning.methods.task_translator.config import TaskTranslatorConfig
    from nightseg_ros.learning.methods.unit.config import UnitConfig


def save_generator(
    path: Path,
    generator: nn.Module,
    config: TranslateConfig | UnitConfig | TaskTranslatorConfig,
    **about: object,
) -> None:
    """Write a generator's weights with what it takes to build it again."""
    shape = {"kind": config.generator, "filters": config.filters, "blocks": config.blocks}
    about = {"config": as_plain(config), **about}
    write_checkpoint(path, {"network": shape, "state": generator.state_dict(), "about": about})


def read_generator(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return kind, filters and blocks of a generator, and its weights."""
    content = read_checkpoint(path)
    shape = content["network"]
    if set(shape) != {"kind", "filters", "blocks"}:
        raise NightsegError(f"{path} holds a segmentation network, need a translator")
    return dict(shape), dict(content["state"])


def load_generator(path: Path, exposure: float | None = None) -> nn.Module:
    """Return the generator that `save_generator` wrote, or a trained curve at one exposure."""
    if read_checkpoint(path)["network"].get("kind") in CURVE_RECIPES:
        return load_fixed_exposure(path, exposure)
    if exposure is not None:
        raise NightsegError(f"{path} is no darkening module; it has no exposure to choose")
    shape, state = read_generator(path)
    generator = create_generator(shape["kind"], shape["filters"], shape["blocks"])
    load_weights(generator, state, path)
    return generator.eval()


def translate_image(
    generator: nn.Module, image: NDArray[np.uint8], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return `image` translated at `size` (height, width) and brought back to its own size."""
    small = cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    x = torch.from_numpy(np.ascontiguousarray(small)).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        y = generator(x)[0].clamp(-1, 1).permute(1, 2, 0).numpy()
    pixels = np.clip(np.rint((y + 1) * 127.5), 0, 255).astype(np.uint8)
    back = cv2.resize(pixels, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(back, np.uint8)


def translate_images(
    generator: nn.Module, images: DrivingSet, out: Path, size: tuple[int, int]
) -> Iterator[str]:
    """Write out/NAME.png for every image, and yield the names; what is there is kept."""
    return write_images(images, out, lambda _, image: translate_image(generator, image, size))
