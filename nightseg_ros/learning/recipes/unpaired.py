# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What CycleGAN and UNIT share: two piles of images, two translators against two judges."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler

from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.tensor_set import Numbers, expand, load_frames
from nightseg_ros.learning.unpaired_config import TranslateConfig, UnitConfig


class ImagePool:
    """The last made images: judges that see only the newest ones forget the older tricks."""

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

    judge_night: nn.Module
    judge_day: nn.Module
    weight_decay = 0.0

    def __init__(self, config: TranslateConfig | UnitConfig, day: Tensor, night: Tensor) -> None:
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
        height, width = self.config.view
        frames = images[indices.to(images.device) % len(images)]
        top = random.randint(0, images.shape[1] - height)
        left = random.randint(0, images.shape[2] - width)
        crop = frames[:, top : top + height, left : left + width].permute(0, 3, 1, 2).float()
        crop = crop.flip(3) if random.random() < 0.5 else crop
        return crop / 127.5 - 1.0

    def training_step(self, indices: Tensor, _batch: int) -> None:
        """Train the generators, then the judges."""
        day = self._views(self._day, indices)
        night = self._views(self._night, torch.randint(len(self._night), indices.shape))
        optimizers: Any = self.optimizers()
        generators, judges = optimizers
        judge_parameters = [*self.judge_day.parameters(), *self.judge_night.parameters()]
        for parameter in judge_parameters:
            parameter.requires_grad_(False)
        made = self.make(day, night)
        loss = torch.stack(list(made.losses.values())).sum()
        generators.zero_grad()
        self.manual_backward(loss)
        generators.step()

        for parameter in judge_parameters:
            parameter.requires_grad_(True)
        judged = torch.zeros((), device=self.device)
        pairs = (
            (self.judge_night, night, self._pools[0].swap(made.night)),
            (self.judge_day, day, self._pools[1].swap(made.day)),
        )
        for judge, real, unreal in pairs:
            judged = judged + 0.5 * (from_real(judge(real)) + from_made(judge(unreal)))
        judges.zero_grad()
        self.manual_backward(judged)
        judges.step()
        schedules: Any = self.lr_schedulers()
        for schedule in schedules:
            schedule.step()
        values = {"generators": loss, "judges": judged, **made.losses}
        self.log_dict(values, prog_bar=True, batch_size=len(day))

    def configure_optimizers(self) -> tuple[list[Any], list[Any]]:
        """Return one Adam for the generators and one for the judges, with their schedules."""
        groups: tuple[nn.ModuleList, ...] = (
            nn.ModuleList(self.generator_parts()),
            nn.ModuleList([self.judge_night, self.judge_day]),
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
    """Return the least-squares distance of a judge's scores from 'real', summed over scales."""
    several = scores if isinstance(scores, list) else [scores]
    return torch.stack([(score.float() - 1).square().mean() for score in several]).sum()


def from_made(scores: Tensor | list[Tensor]) -> Tensor:
    """Return the least-squares distance of a judge's scores from 'made', summed over scales."""
    several = scores if isinstance(scores, list) else [scores]
    return torch.stack([score.float().square().mean() for score in several]).sum()


def train_unpaired(
    config: TranslateConfig | UnitConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Train the pair of generators and write them as night2day.pt and day2night.pt."""
    from nightseg_ros.learning.train import LAST, make_trainer
    from nightseg_ros.learning.translate import save_generator

    images = [
        torch.cat([load_frames(open_set(expand(spec, data)), config.cache)[0] for spec in specs])
        for specs in (config.day, config.night)
    ]
    module = _recipe_of(config, *images)
    checkpoint = ModelCheckpoint(out, filename="epoch", save_last=True)
    # Lightning counts the steps of both optimizers.
    trainer = make_trainer(
        config,
        out,
        [checkpoint],
        fast_dev_run,
        max_steps=2 * config.steps,
        reload_dataloaders_every_n_epochs=1,
    )
    last = out / LAST
    begin = str(last) if resume and last.is_file() else None
    trainer.fit(module, ckpt_path=begin, weights_only=True)
    figures = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items()}
    for name, generator in module.translators().items():
        save_generator(out / f"{name}.pt", generator, config)
    return {"checkpoint": str(out / "night2day.pt"), "figures": figures}


def _recipe_of(config: TranslateConfig | UnitConfig, day: Tensor, night: Tensor) -> Unpaired:
    if isinstance(config, UnitConfig):
        from nightseg_ros.learning.recipes.unit import Unit

        return Unit(config, day, night)
    from nightseg_ros.learning.recipes.cyclegan import CycleGan

    return CycleGan(config, day, night)
