# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training a curve for every pixel on day frames alone: darkening, and its opposite.

Darkening minimises the similarity of a frozen day network's features before and after, so that it
finds the night that is hardest for that network; the other losses keep it a night at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.learning.augmentation import random_crops
from nightseg_ros.learning.darkenings import save_darkening
from nightseg_ros.learning.day_only import require_day_only
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.darkening import losses
from nightseg_ros.learning.methods.darkening.config import CurveConfig, DarkeningConfig
from nightseg_ros.learning.methods.darkening.exposure_levels import find_levels
from nightseg_ros.learning.networks.classifier import is_classifier, load_classifier
from nightseg_ros.learning.networks.darkening import Darkening
from nightseg_ros.learning.networks.registry import load_checkpoint, read_checkpoint
from nightseg_ros.learning.stages import Stages
from nightseg_ros.learning.tensor_set import Numbers, expand, load_frames
from nightseg_ros.learning.trainer import fit, log_losses, resumable

if TYPE_CHECKING:
    from nightseg_ros.learning.run_record import Run


class CurveModule(lightning.LightningModule):
    """Day frames in, curves out; the losses are those of the method."""

    def __init__(self, config: CurveConfig, images: Tensor) -> None:
        super().__init__()
        self.config = config
        self.network = Darkening(
            config.curve, config.rounds, config.floor, config.shrink, config.gain
        )
        untyped: Any = self.network  # the type hints of `to` do not know memory formats
        untyped.to(memory_format=torch.channels_last)
        self._images = images

    def setup(self, stage: str) -> None:
        """Move the images to the device once."""
        self._images = self._images.to(self.device)

    def train_dataloader(self) -> DataLoader:
        """Return batches of image numbers."""
        draws = self.config.save_every * self.config.batch
        generator = torch.Generator().manual_seed(self.config.seed + self.current_epoch)
        numbers = Numbers(len(self._images))
        sampler = RandomSampler(numbers, True, draws, generator=generator)
        return DataLoader(numbers, self.config.batch, sampler=sampler)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the loss of one batch."""
        frames = self._views(indices)
        low, high = self.config.exposure
        exposure = torch.empty(len(frames), 1, 1, 1, device=frames.device).uniform_(low, high)
        return log_losses(self, self.losses_of(frames, exposure), len(frames))

    @property
    def timed(self) -> nn.Module | None:
        """The part that takes the time, if it is not the small module itself."""
        return None

    def losses_of(self, frames: Tensor, exposure: Tensor) -> dict[str, Tensor]:
        """Return every loss with its weight."""
        raise NotImplementedError

    def prepare(self, frames: Tensor) -> Tensor:
        """Return what the curves are for, of day frames."""
        return frames

    def shared_losses(
        self, made: Tensor, exposure: Tensor, curves: tuple[Tensor, Tensor], smooth: Tensor
    ) -> dict[str, Tensor]:
        """Return the losses that both recipes have."""
        config = self.config
        distance = losses.exposure_distance(made, exposure, config.exposure_patch)
        return {
            "exposure": config.exposure_weight * distance,
            "colour": config.colour * losses.colour_constancy(made),
            "smooth": config.smooth * smooth,
            "flex": config.flex * losses.flexibility(curves[1]),
        }

    def _views(self, indices: Tensor) -> Tensor:
        """Return random crops, half of them mirrored, in [0, 1]."""
        frames = self._images[indices.to(self._images.device)]
        crops = random_crops(frames, self.config.view) / 255
        return crops.contiguous(memory_format=torch.channels_last)

    def configure_optimizers(self) -> Any:
        """Return Adam, whose rate falls to a tenth after each third of the steps."""
        config = self.config
        parameters = self.network.parameters()
        optimizer = torch.optim.Adam(parameters, lr=config.lr, weight_decay=config.weight_decay)
        # By a function, which no checkpoint keeps: a training that goes on to more steps than it
        # was meant for follows the new number.
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.1 ** min(2, 3 * step // config.steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class DarkeningModule(CurveModule):
    """The five losses of Similarity Min-Max."""

    def __init__(self, config: DarkeningConfig, images: Tensor) -> None:
        super().__init__(config, images)
        self.darkening = config
        # In a list, so that what is not trained is no part of this module and of its checkpoints.
        self._stages = [_day_stages(config)] if config.similarity else []

    @property
    def timed(self) -> nn.Module | None:
        """The frozen day network."""
        return self._stages[0].network if self._stages else None

    def setup(self, stage: str) -> None:
        """Move images and day network to the device once."""
        super().setup(stage)
        for stages in self._stages:
            stages.network.to(self.device)

    def losses_of(self, frames: Tensor, exposure: Tensor) -> dict[str, Tensor]:
        """Return every loss with its weight."""
        curves = self.network.curves(frames, exposure)
        made = self.network.apply_curves(frames, *curves)
        smooth = losses.loose_variation(curves[0], self.darkening.loose)
        parts = self.shared_losses(made, exposure, curves, smooth)
        for stages in self._stages:
            with torch.no_grad():
                by_day = stages.features(frames)
            alike = losses.similarity(by_day, stages.features(made))
            parts["similarity"] = self.darkening.similarity * alike
        return parts


@resumable
def train_curves(
    make: Callable[[Any, Tensor], CurveModule], run: Run, config: Any, data: str, fast: bool
) -> dict[str, Any]:
    """Train the module that `make` returns and write it under the name of its recipe."""
    sets = [open_set(expand(spec, data)) for spec in config.images]
    require_day_only(sets)
    images = torch.cat([load_frames(part, config.cache)[0] for part in sets])
    recipe = make(config, images)
    trainer = fit(
        recipe,
        config,
        run,
        fast_dev_run=fast,
        timed=recipe.timed,
        gradient_clip_val=config.clip,
    )
    figures = {k: round(float(v), 5) for k, v in trainer.callback_metrics.items()}
    network = recipe.network.cpu().eval()
    network.levels = find_levels(network, images.cpu(), config.exposure, recipe.prepare)
    path = run.out / f"{config.recipe}.pt"
    seen = {part.name: len(part) for part in sets}
    about = {"frames": seen, "figures": figures, "parts": run.parts}
    save_darkening(path, network, config, day_only=True, **about)
    return run.finish({"checkpoint": str(path), "figures": figures})


def _day_stages(config: DarkeningConfig) -> Stages:
    """Return the stages of the frozen day network, or refuse one that does not fit."""
    path = Path(config.day_model)
    network: Any
    if is_classifier(read_checkpoint(path)):
        network = load_classifier(path)[0]
    else:
        network = load_checkpoint(path)[0]
    if any(side % network.stride for side in config.view):
        raise config.refused(
            f"view is {config.view}; day_model {path} needs multiples of {network.stride}"
        )
    network.requires_grad_(False).eval().to(memory_format=torch.channels_last)
    return Stages(network, config.stages or None)


METHOD = Method(DarkeningConfig, partial(train_curves, DarkeningModule))
