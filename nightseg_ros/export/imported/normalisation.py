# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How a network wants its pixels: the conventions under which public networks are trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Normalisation:
    """x = (pixel * scale - mean) / std, in the order of channels that the network takes."""

    scale: float = 1.0
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    bgr: bool = False

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (H, W, 3) RGB bytes as the values that the network takes."""
        pixels = image[..., ::-1] if self.bgr else image
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        scaled = pixels.astype(np.float32) * np.float32(self.scale)
        return np.asarray((scaled - mean) / std, np.float32)

    def factor_and_shift(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return a and b of x = a * pixel + b, one of each per channel.

        >>> PRESETS["symmetric"].factor_and_shift()[1].tolist()
        [-1.0, -1.0, -1.0]
        """
        std = np.array(self.std)
        shift = -np.array(self.mean) / std
        return (self.scale / std).astype(np.float32), shift.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for model.yaml."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}


PRESETS = {
    "imagenet": Normalisation(1 / 255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "mmseg": Normalisation(1.0, (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "unit": Normalisation(1 / 255.0),
    "symmetric": Normalisation(1 / 127.5, (1.0, 1.0, 1.0)),
    "none": Normalisation(),
}
"""By name: torchvision, timm, smp and transformers; Cityscapes in mmseg; [0, 1]; [-1, 1]; bytes."""
