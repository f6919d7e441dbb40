# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A night-to-day translator that learns what the segmentation network behind it needs.

Nights are made of labelled day frames, so the truth, the day frame and the day model's view of it
are all known. The day model is frozen: all that can lower the loss is a better translation.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.augmentation import jitter_colours, random_view
from nightseg_ros.learning.image_features import Tap, last_convolution, normalised_distance
from nightseg_ros.learning.losses import cross_entropy, distillation
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.methods.task_translator.config import TaskTranslatorConfig
from nightseg_ros.learning.networks.create_generator import create_generator
from nightseg_ros.learning.networks.registry import load_checkpoint, load_weights, require_labels
from nightseg_ros.learning.networks.translated import Translated, channels_of, last_block
from nightseg_ros.learning.relight import relight_as_night
from nightseg_ros.learning.trainer import log_losses
from nightseg_ros.learning.translate import load_generator, read_generator, save_generator

if TYPE_CHECKING:
    from nightseg_ros.learning.tensor_set import Frames, Sets


class TaskTranslator(SegmentationModule):
    """The segmentation recipe whose network is a translator before a frozen day model."""

    network: Translated
    average: Translated

    def __init__(self, config: TaskTranslatorConfig, train: Frames, validation: Sets) -> None:
        path = Path(config.day_model)
        require_labels(f"recipe {config.name}: day_model", path, config.label_set)
        day = load_checkpoint(path)[0]
        super().__init__(config, train, validation, Translated(_first_generator(config), day))
        self.task_config = config
        self.average.share_segmenter(self.network)
        # In lists, so that what is not trained is no part of this module and of its checkpoints.
        self._day2night = _frozen(config.day2night) if config.generated else []
        self._big = _frozen(config.big) if config.big and config.imitation else []
        self._day_tap = Tap(last_convolution(day))
        self._direct: dict[str, Tensor] = {}
        self.adapter: nn.Module | None = None
        if self._big:
            big_block, block = last_block(self._big[0]), last_block(self.network.generator)
            self._taps = (Tap(big_block), Tap(block))
            self.adapter = nn.Conv2d(channels_of(block), channels_of(big_block), 1)

    def setup(self, stage: str) -> None:
        """Move frames and frozen networks to the device once, before the first step."""
        super().setup(stage)
        for frozen in (self.network.segmenter, *self._day2night, *self._big):
            frozen.to(self.device)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the loss of one batch."""
        config = self.task_config

        def cut(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            return random_view(images, labels, config.view, config.augment)

        images, labels = self._train_set.views(indices, cut)
        days = jitter_colours(images, config.augment)
        from_day = self._train_set.relight[indices.to(self._train_set.relight.device)]
        nights = self._make_nights(days, labels, from_day)
        made = self.network.translate(nights.contiguous(memory_format=torch.channels_last))
        losses = self._losses(nights, made, days, labels, from_day)
        return log_losses(self, losses, len(images))

    @torch.no_grad()
    def _make_nights(self, days: Tensor, labels: Tensor, from_day: Tensor) -> Tensor:
        """Return the batch with most day frames turned into night, each in one of two ways."""
        config, count = self.task_config, len(days)
        turned = from_day & (torch.rand(count, device=days.device) < config.augment.night)
        generated = turned & (torch.rand(count, device=days.device) < config.generated)
        nights = days.clone()
        for generator in self._day2night:
            if bool(generated.any()):
                made = generator(days[generated] * 2 - 1).to(days.dtype)
                nights[generated] = ((made + 1) / 2).clamp(0, 1)
        relit = turned & ~generated
        if bool(relit.any()):
            nights[relit] = relight_as_night(days[relit], labels[relit], self.labels)
        return nights

    def _losses(
        self, nights: Tensor, made: Tensor, days: Tensor, labels: Tensor, from_day: Tensor
    ) -> dict[str, Tensor]:
        """Return every loss with its weight; those of weight 0 are left out."""
        config, day_model = self.task_config, self.network.segmenter
        losses: dict[str, Tensor] = {}
        if self._big:
            losses["imitation"] = config.imitation * self._imitate(nights)
        scores = day_model.logits(made.contiguous(memory_format=torch.channels_last))
        features = self._day_tap.take()
        if config.task:
            losses["task"] = config.task * cross_entropy(
                scores, labels, self.weights, groups=self.groups
            )
        if not bool(from_day.any()):
            return losses or {"task": made.sum() * 0.0}
        if config.reconstruction:
            distance = F.l1_loss(made[from_day].float(), days[from_day])
            losses["reconstruction"] = config.reconstruction * distance
        if config.consistency or config.features:
            with torch.no_grad():
                own_scores = day_model.logits(
                    days[from_day].contiguous(memory_format=torch.channels_last)
                )
                own_features = self._day_tap.take()
            if config.consistency:
                divergence = distillation(scores[from_day], own_scores)
                losses["consistency"] = config.consistency * divergence
            if config.features:
                distance = normalised_distance(features[from_day], own_features)
                losses["features"] = config.features * distance
        return losses or {"task": made.sum() * 0.0}

    def _imitate(self, nights: Tensor) -> Tensor:
        """Return how far the light generator's features are from the big one's.

        The light generator has just been run on `nights`, so its tap holds its features.
        """
        big_tap, tap = self._taps
        assert self.adapter is not None
        with torch.no_grad():
            self._big[0](nights * 2 - 1)
        mine: Tensor = self.adapter(tap.take())
        return normalised_distance(mine, big_tap.take())

    def validation_step(self, index: Tensor, _batch: int) -> None:
        """Log the mIoU with translation, and once measured, always the one without."""
        super().validation_step(index, _batch)
        name = list(self._validation)[int(index)]
        if name not in self._direct:
            self._direct[name] = self.measure(name, self.network.segmenter)
        self.log(f"direct/{name}", self._direct[name], batch_size=1)

    def save(self, out: Path, **about: object) -> Path:
        """Write the averaged generator into `out` and return the file."""
        path = out / "night2day.pt"
        save_generator(path, self.average.generator, self.task_config, **about)
        return path

    def trained_parameters(self) -> list[nn.Parameter]:
        """Return the generator's parameters, and those of the adapter."""
        adapter = [] if self.adapter is None else list(self.adapter.parameters())
        return [*self.network.parameters(), *adapter]


def _first_generator(config: TaskTranslatorConfig) -> nn.Module:
    """Return a new generator, or the one to start from; blocks beyond ours are left out."""
    generator = create_generator(config.generator, config.filters, config.blocks)
    if config.init:
        path = Path(config.init)
        shape, state = read_generator(path)
        ours = (config.generator, config.filters)
        if (shape["kind"], shape["filters"]) != ours or shape["blocks"] < config.blocks:
            raise NightsegError(
                f"{path} is a generator {shape['kind']} of {shape['filters']} filters and "
                f"{shape['blocks']} blocks; set generator, filters and blocks to fit, or init to ''"
            )
        longer = create_generator(config.generator, config.filters, shape["blocks"])
        load_weights(longer, state, path)
        copy_generator(longer, generator)
    return generator


def copy_generator(longer: nn.Module, generator: nn.Module) -> None:
    """Copy the weights of a generator into one with fewer residual blocks.

    Every block adds a correction to what it is given, so the last ones can be missing: what is left
    starts from a slightly worse translation, and not from nothing.
    """
    ours, theirs = list(generator.layers), list(longer.layers)  # type: ignore[arg-type]
    surplus = len(theirs) - len(ours)
    end = max(i for i, layer in enumerate(theirs) if layer is last_block(longer)) + 1
    kept = theirs[: end - surplus] + theirs[end:]
    for mine, other in zip(ours, kept, strict=True):
        mine.load_state_dict(other.state_dict())
    for name, child in generator.named_children():
        if name != "layers":
            child.load_state_dict(longer.get_submodule(name).state_dict())


def _frozen(path: str) -> list[nn.Module]:
    return [load_generator(Path(path)).requires_grad_(False)]


METHOD = Method(TaskTranslatorConfig, partial(train_network, TaskTranslator))
