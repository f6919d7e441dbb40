# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CycleGAN: day to night and night to day learned from two piles of unpaired images."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, RandomSampler

from nightseg_ros.learning.config import TranslateConfig
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.networks.discriminator import PatchDiscriminator
from nightseg_ros.learning.networks.generators import create_generator
from nightseg_ros.learning.tensor_set import Numbers, expand, load_frames


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


class CycleGan(lightning.LightningModule):
    """Two generators and two discriminators; least-squares GAN, cycle and identity losses."""

    def __init__(self, config: TranslateConfig, day: Tensor, night: Tensor) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.config = config
        kind = (config.generator, config.filters, config.blocks)
        self.to_night, self.to_day = create_generator(*kind), create_generator(*kind)
        judge_filters = 64 if config.generator == "resnet" else 32
        self.judge_night = PatchDiscriminator(judge_filters)
        self.judge_day = PatchDiscriminator(judge_filters)
        self._day, self._night = day, night
        self._pools = (ImagePool(config.pool, config.seed), ImagePool(config.pool, config.seed + 1))

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
        """Train the generators, then the discriminators."""
        config = self.config
        day = self._views(self._day, indices)
        night = self._views(self._night, torch.randint(len(self._night), indices.shape))
        optimizers: Any = self.optimizers()
        generators, judges = optimizers
        judge_parameters = [*self.judge_day.parameters(), *self.judge_night.parameters()]
        for parameter in judge_parameters:
            parameter.requires_grad_(False)
        made_night, made_day = self.to_night(day), self.to_day(night)
        adversarial = _real(self.judge_night(made_night)) + _real(self.judge_day(made_day))
        cycle = F.l1_loss(self.to_day(made_night), day) + F.l1_loss(self.to_night(made_day), night)
        loss = adversarial + config.cycle * cycle
        if config.identity:
            same = F.l1_loss(self.to_night(night), night) + F.l1_loss(self.to_day(day), day)
            loss = loss + config.cycle * config.identity * same
        generators.zero_grad()
        self.manual_backward(loss)
        generators.step()

        for parameter in judge_parameters:
            parameter.requires_grad_(True)
        judged = torch.zeros((), device=self.device)
        pairs = (
            (self.judge_night, night, self._pools[0].swap(made_night)),
            (self.judge_day, day, self._pools[1].swap(made_day)),
        )
        for judge, real, made in pairs:
            judged = judged + 0.5 * (_real(judge(real)) + judge(made).float().square().mean())
        judges.zero_grad()
        self.manual_backward(judged)
        judges.step()
        schedules: Any = self.lr_schedulers()
        for schedule in schedules:
            schedule.step()
        values = {"generators": loss, "judges": judged, "cycle": cycle}
        self.log_dict(values, prog_bar=True, batch_size=len(day))

    def configure_optimizers(self) -> tuple[list[Any], list[Any]]:
        """Return two Adams whose rate falls to zero over the second half."""
        steps = self.config.steps
        groups: tuple[tuple[nn.Module, ...], ...] = (
            (self.to_night, self.to_day),
            (self.judge_night, self.judge_day),
        )
        optimizers = [
            torch.optim.Adam(
                [p for module in group for p in module.parameters()],
                lr=self.config.lr,
                betas=(0.5, 0.999),
            )
            for group in groups
        ]

        def factor(step: int) -> float:
            return min(1.0, max(0.0, 2.0 - 2.0 * step / steps))

        schedules = [torch.optim.lr_scheduler.LambdaLR(o, factor) for o in optimizers]
        return optimizers, schedules


def _real(scores: Tensor) -> Tensor:
    """Return the least-squares distance of a judge's scores from 'real'."""
    return (scores.float() - 1).square().mean()


def train_cyclegan(
    config: TranslateConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Train the pair of generators and write them as night2day.pt and day2night.pt."""
    from nightseg_ros.learning.train import LAST, make_trainer
    from nightseg_ros.learning.translate import save_generator

    images = [
        torch.cat([load_frames(open_set(expand(spec, data)), config.cache)[0] for spec in specs])
        for specs in (config.day, config.night)
    ]
    module = CycleGan(config, *images)
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
    trainer.fit(module, ckpt_path=str(last) if resume and last.is_file() else None)
    figures = {k: round(float(v), 4) for k, v in trainer.callback_metrics.items()}
    for name, generator in (("night2day", module.to_day), ("day2night", module.to_night)):
        save_generator(out / f"{name}.pt", generator, config)
    return {"checkpoint": str(out / "night2day.pt"), "figures": figures}
