# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What CycleGAN and UNIT share: two piles of images, two translators against two discriminators."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.learning.augmentation import random_crops
from nightseg_ros.learning.tensor_set import Numbers, expand, load_frames
from nightseg_ros.learning.trainer import fit, resumable
from nightseg_ros.learning.translate import save_generator

if TYPE_CHECKING:
    from nightseg_ros.learning.methods.cyclegan.config import UnpairedConfig
    from nightseg_ros.learning.run_record import Run


class ImagePool:
    """The last made images: discriminators that see only the newest forget the older tricks."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.images, self._random = size, [], random.Random(seed)  # type: ignore[var-annotated]

    def swap(self, batch: Tensor) -> Tensor:
        """Return as many images, some new and some remembered."""
        out = []
        for image in batch.detach():
            if len(self.images) < self.size:
                self.images.append(image)
                out.append(image)
            elif self.size and self._random.random() < 0.5:
                place = self._random.randrange(self.size)
                out.append(self.images[place])
                self.images[place] = image
            else:
                out.append(image)
        return torch.stack(out)


class Made(NamedTuple):
    """What one step of the generators made, and their losses with their weights."""

    night: Tensor
    day: Tensor
    losses: dict[str, Tensor]


class Unpaired(lightning.LightningModule):
    """Least-squares GAN both ways; what else holds the translators in check, recipes say."""

    discriminator_night: nn.Module
    discriminator_day: nn.Module
    weight_decay = 0.0

    def __init__(self, config: UnpairedConfig, day: Tensor, night: Tensor) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.config = config
        self._day, self._night = day, night
        self._pools = (ImagePool(config.pool, config.seed), ImagePool(config.pool, config.seed + 1))

    @abstractmethod
    def make(self, day: Tensor, night: Tensor) -> Made:
        """Translate both ways and return what was made with all losses of the generators."""

    @abstractmethod
    def generator_parts(self) -> Iterable[nn.Module]:
        """Return the modules that the first optimizer trains."""

    @abstractmethod
    def translators(self) -> dict[str, nn.Module]:
        """Return the finished generators by the name of their file."""

    @abstractmethod
    def rate_factor(self, step: int) -> float:
        """Return what the learning rate is multiplied by at `step`."""

    def setup(self, stage: str) -> None:
        """Move the images to the device once."""
        self._day, self._night = self._day.to(self.device), self._night.to(self.device)

    def train_dataloader(self) -> DataLoader:
        """Return batches of image numbers."""
        draws = self.config.save_every * self.config.batch
        generator = torch.Generator().manual_seed(self.config.seed + self.current_epoch)
        largest = Numbers(max(len(self._day), len(self._night)))
        sampler = RandomSampler(largest, True, draws, generator=generator)
        return DataLoader(largest, self.config.batch, sampler=sampler)

    def _views(self, images: Tensor, indices: Tensor) -> Tensor:
        """Return random crops, half of them mirrored, in [-1, 1]."""
        frames = images[indices.to(images.device) % len(images)]
        return random_crops(frames, self.config.view) / 127.5 - 1.0

    def training_step(self, indices: Tensor, _batch: int) -> None:
        """Train the generators, then the discriminators."""
        day = self._views(self._day, indices)
        night = self._views(self._night, torch.randint(len(self._night), indices.shape))
        optimizers: Any = self.optimizers()
        generators, discriminators = optimizers
        discriminator_parameters = [
            *self.discriminator_day.parameters(),
            *self.discriminator_night.parameters(),
        ]
        for parameter in discriminator_parameters:
            parameter.requires_grad_(False)
        made = self.make(day, night)
        loss = torch.stack(list(made.losses.values())).sum()
        generators.zero_grad()
        self.manual_backward(loss)
        generators.step()

        for parameter in discriminator_parameters:
            parameter.requires_grad_(True)
        judged = torch.zeros((), device=self.device)
        pairs = (
            (self.discriminator_night, night, self._pools[0].swap(made.night)),
            (self.discriminator_day, day, self._pools[1].swap(made.day)),
        )
        for discriminator, real, unreal in pairs:
            judged = judged + 0.5 * (
                from_real(discriminator(real)) + from_made(discriminator(unreal))
            )
        discriminators.zero_grad()
        self.manual_backward(judged)
        discriminators.step()
        schedules: Any = self.lr_schedulers()
        for schedule in schedules:
            schedule.step()
        values = {"generators": loss, "discriminators": judged, **made.losses}
        self.log_dict(values, prog_bar=True, batch_size=len(day))

    def configure_optimizers(self) -> tuple[list[Any], list[Any]]:
        """Return an Adam for the generators, one for the discriminators, and their schedules."""
        groups: tuple[nn.ModuleList, ...] = (
            nn.ModuleList(self.generator_parts()),
            nn.ModuleList([self.discriminator_night, self.discriminator_day]),
        )
        optimizers = [
            torch.optim.Adam(
                group.parameters(),  # counts what two modules share once
                lr=self.config.lr,
                betas=(0.5, 0.999),
                weight_decay=self.weight_decay,
            )
            for group in groups
        ]
        schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimizer, self.rate_factor)
            for optimizer in optimizers
        ]
        return optimizers, schedules


def from_real(scores: Tensor | list[Tensor]) -> Tensor:
    """Return the least-squares distance of scores from 'real', summed over scales."""
    several = scores if isinstance(scores, list) else [scores]
    return torch.stack([(score.float() - 1).square().mean() for score in several]).sum()


def from_made(scores: Tensor | list[Tensor]) -> Tensor:
    """Return the least-squares distance of scores from 'made', summed over scales."""
    several = scores if isinstance(scores, list) else [scores]
    return torch.stack([score.float().square().mean() for score in several]).sum()


@resumable
def train_unpaired(
    make: Callable[[Any, Tensor, Tensor], Unpaired], run: Run, config: Any, data: str, fast: bool
) -> dict[str, Any]:
    """Train the pair of generators and write them as night2day.pt and day2night.pt."""
    images = [
        torch.cat([load_frames(open_set(expand(spec, data)), config.cache)[0] for spec in specs])
        for specs in (config.day, config.night)
    ]
    module = make(config, *images)
    steps = 2 * config.steps  # Lightning counts those of both optimizers
    timed = next(iter(module.generator_parts()))
    trainer = fit(module, config, run, fast_dev_run=fast, timed=timed, max_steps=steps)
    figures = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items()}
    for name, generator in module.translators().items():
        save_generator(run.out / f"{name}.pt", generator, config, parts=run.parts)
    return run.finish({"checkpoint": str(run.out / "night2day.pt"), "figures": figures})
