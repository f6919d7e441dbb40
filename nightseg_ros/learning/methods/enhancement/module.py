# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training a curve for every pixel that brightens dark frames, by the losses of Zero-DCE."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from nightseg_ros.learning.darkenings import by_gamma
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.darkening import losses
from nightseg_ros.learning.methods.darkening.module import CurveModule, train_curves
from nightseg_ros.learning.methods.enhancement.config import EnhancementConfig


class EnhancementModule(CurveModule):
    """The losses of Zero-DCE, on frames that gamma has darkened."""

    def __init__(self, config: EnhancementConfig, images: Tensor) -> None:
        super().__init__(config, images)
        self.enhancement = config

    def prepare(self, frames: Tensor) -> Tensor:
        """Return the frames as dark as they are at most half of the time."""
        return by_gamma(frames, torch.tensor(self.enhancement.darkened).mean())

    def losses_of(self, frames: Tensor, exposure: Tensor) -> dict[str, Tensor]:
        """Return every loss with its weight."""
        level = torch.empty(len(frames), device=frames.device).uniform_(*self.enhancement.darkened)
        dark = by_gamma(frames, level)
        curves = self.network.curves(dark, exposure)
        made = self.network.apply_curves(dark, *curves)
        parts = self.shared_losses(made, exposure, curves, losses.variation(curves[0]))
        parts["spatial"] = self.enhancement.spatial * losses.spatial_change(made, dark)
        return parts


METHOD = Method(EnhancementConfig, partial(train_curves, EnhancementModule))
