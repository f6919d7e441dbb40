# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Zero-shot adaptation of a segmentation network: day frames, and what darkening makes of them.

The network learns the labels of both, and to have the same features for both. No night frame is
seen: `check_zero_shot` refuses a recipe that names one where it would count.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.darkenings import darken_by, night_exposure
from nightseg_ros.learning.day_only import require_day_only
from nightseg_ros.learning.losses import distillation
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.min_max.config import MinMaxConfig
from nightseg_ros.learning.methods.min_max.similarity import Similarity
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.networks.registry import read_checkpoint
from nightseg_ros.learning.tensor_set import Frames, Sets, expand
from nightseg_ros.learning.trainer import log_losses


class MinMaxModule(SegmentationModule):
    """The segmentation recipe for pairs of a day frame and its darkened copy."""

    def __init__(self, config: MinMaxConfig, train: Frames, validation: Sets) -> None:
        super().__init__(config, train, validation)
        self.min_max = config
        name, checkpoint = config.method()
        small = (config.view[0] // config.shrink, config.view[1] // config.shrink)
        self._darken = darken_by(name, Path(checkpoint) if checkpoint else None, small)
        self.similarity: Similarity | None = None
        if config.similarity:
            example = torch.zeros(1, 3, *config.view)
            self.similarity = Similarity(self.network, momentum=config.momentum, example=example)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the loss of one batch."""
        config = self.min_max
        day, labels, taught = self.views(indices)
        dark = self.darken(day)
        losses = {}
        if self.similarity is None:
            both = torch.cat([day, dark]).contiguous(memory_format=torch.channels_last)
            scores = self.scores(both)
        else:
            scores, alike = self.similarity(day, dark)
            losses["similarity"] = config.similarity * alike
        for name, its_scores in zip(("day", "dark"), scores.chunk(2), strict=True):
            loss = self.label_loss(its_scores, labels)
            if taught is not None:
                loss = torch.lerp(loss, distillation(its_scores, taught), config.distill)
            losses[name] = loss
        return log_losses(self, losses, len(day))

    @torch.no_grad()
    def darken(self, day: Tensor) -> Tensor:
        """Return the views as by night; what lies outside a turned view stays black."""
        config = self.min_max
        low, high = config.exposure
        exposure = low + night_exposure(day, high - low, config.noise, config.cell)
        return self._darken(day, exposure).to(day.dtype).clamp(0, 1)

    def on_train_batch_end(self, *arguments: object) -> None:
        """Let the averaged weights and the slow copy follow."""
        super().on_train_batch_end(*arguments)
        if self.similarity is not None:
            self.similarity.follow()

    def trained_parameters(self) -> list[nn.Parameter]:
        """Return the network's parameters, and those of the heads."""
        heads = [] if self.similarity is None else list(self.similarity.heads.parameters())
        return [*super().trained_parameters(), *heads]


def check_zero_shot(config: MinMaxConfig, data: str) -> None:
    """Refuse a frame that is not of the day, in training and where the checkpoint is chosen.

    A darkening module has to say that it was trained by the same rule.
    """
    named = [source.data for source in config.train]
    named += config.chosen_on()
    require_day_only(open_set(expand(spec, data)) for spec in named)
    checkpoint = config.method()[1]
    if (
        checkpoint
        and read_checkpoint(Path(checkpoint)).get("about", {}).get("day_only") is not True
    ):
        raise NightsegError(
            f"{checkpoint} does not say that it was trained on day frames only; train the module "
            "with `nightseg train config/recipes/darkening.yaml`"
        )


def train_min_max(
    config: MinMaxConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Train on day frames and their darkened copies, after a check that no night is among them."""
    check_zero_shot(config, data)
    return train_network(MinMaxModule, config, out, data, resume=resume, fast_dev_run=fast_dev_run)


METHOD = Method(MinMaxConfig, train_min_max)
