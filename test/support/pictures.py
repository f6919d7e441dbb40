# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders SPLIT/CLASS/*.jpg of drawn pictures: each class a pattern of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np


def draw(kind: int, seed: int, light: float = 1.0, side: int = 48) -> np.ndarray:
    """Bars whose direction and width determine the kind, in any colour, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] + rng.integers(0, side, 2)[:, None, None]
    wave = (x if kind % 2 else y) // (3 + 4 * (kind // 2)) % 2
    colour = rng.uniform(90, 230, (2, 3))
    image = np.where(wave[..., None], colour[0], colour[1] * 0.4)
    image = image * light + rng.normal(0, 6 * light, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def make_pictures(root: Path, splits: Mapping[str, float], kinds: int = 3, each: int = 6) -> Path:
    """Write the folder; splits are given with how light their pictures are."""
    seed = 0
    for split, light in splits.items():
        for kind in range(kinds):
            folder = root / split / f"kind_{kind}"
            folder.mkdir(parents=True)
            for index in range(each):
                cv2.imwrite(str(folder / f"{index}.jpg"), draw(kind, seed, light))
                seed += 1
    return root
