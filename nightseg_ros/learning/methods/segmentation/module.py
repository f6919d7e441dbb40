# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training a segmentation network on labelled (or pseudo-labelled) frames."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler, WeightedRandomSampler

from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE
from nightseg_ros.labels.maps import GROUPS
from nightseg_ros.learning.augmentation import jitter_colours, paste_objects, random_view
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.frame_scores import at_whole_strides, whole_strides
from nightseg_ros.learning.losses import (
    class_weights,
    combined,
    cross_entropy,
    distillation,
    squared_error,
)
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.segmentation.config import TrainConfig
from nightseg_ros.learning.methods.segmentation.kept_start import keep_start
from nightseg_ros.learning.methods.segmentation.self_labels import SelfLabels
from nightseg_ros.learning.methods.segmentation.teacher import load_teacher
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.networks.exported import recentre_norms
from nightseg_ros.learning.networks.registry import (
    create_network,
    load_start,
    save_checkpoint,
)
from nightseg_ros.learning.relight import relight_as_night
from nightseg_ros.learning.tensor_set import Frames, Numbers, class_shares
from nightseg_ros.learning.validation import figure_key, figure_on

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter

WARM_UP = 100
RECENTRED = 16
"""Views whose statistics the norms of a started network are given before the first step."""
NORM_BATCHES = 16
"""Batches that the norms are measured on where a share of the start is kept."""
PASTED = ("traffic light", "traffic sign", "person", "rider", "motorcycle", "bicycle")
"""Objects that are too rare to be learned from the frames as they are: lights, signs, people and
bicycles. Large vehicles are not among them: pasted into the dark, they taught that what is black is
a truck."""


class SegmentationModule(lightning.LightningModule):
    """Weighted cross entropy, strong augmentation, and an average of the weights that is kept."""

    weights: Tensor

    def __init__(
        self,
        config: TrainConfig,
        train: Frames,
        validation: dict[str, tuple[Tensor, Tensor]],
        network: Segmenter | None = None,
    ) -> None:
        """Train `network`, or the one that the recipe describes."""
        super().__init__()
        self.config = config
        self.network = create_network(config.network) if network is None else network
        if network is None and config.init:
            load_start(self.network, Path(config.init), config.network, config.label_set)
        untyped: Any = self.network  # the type hints of `to` do not know memory formats
        untyped.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.scores: Callable[[Tensor], Tensor] = self.network.logits
        if config.compile:
            self.scores = torch.compile(self.network.logits)
        self._teacher: list[Segmenter] = []
        self._train_set, self._validation = train, validation
        shares = class_shares(train, config.network.classes)
        self.register_buffer("weights", class_weights(shares), persistent=False)
        self.labels = config.label_set
        self.groups = tuple(GROUPS.values()) if self.labels == CITYSCAPES19 else ()
        self.self_labels = SelfLabels(self.labels) if train.filled.any() else None
        if network is None and config.init and Path(config.init).is_dir():
            drawn = torch.multinomial(train.weights, RECENTRED, replacement=True)
            recentre_norms(self.network, self.views(drawn)[0])
            self.average.load_state_dict(self.network.state_dict())
        # In lists, so that neither network is a part of this module and of its checkpoints.
        self._start = [copy.deepcopy(self.average)] if config.keep else []
        if config.teacher and config.distill:
            self._teacher.append(load_teacher(config))

    def setup(self, stage: str) -> None:
        """Move the frames to the device once, before the first step."""
        self._train_set = self._train_set.to(self.device)
        for teacher in self._teacher:
            teacher.to(self.device)

    def train_dataloader(self) -> DataLoader:
        """Return batches of frame numbers; the frames are already where they are needed."""
        draws = self.config.val_every * self.config.batch
        generator = torch.Generator().manual_seed(self.config.seed + self.current_epoch)
        sampler = WeightedRandomSampler(
            self._train_set.weights.tolist(), draws, generator=generator
        )
        return DataLoader(Numbers(len(self._train_set)), self.config.batch, sampler=sampler)

    def val_dataloader(self) -> DataLoader:
        """Return one entry per validation set, all of them on every device."""
        numbers = Numbers(len(self._validation))
        # Lightning leaves this sampler as it is; another one it would split between the devices.
        sampler: DistributedSampler[int] = DistributedSampler(
            numbers, num_replicas=1, rank=0, shuffle=False
        )
        return DataLoader(numbers, batch_size=1, sampler=sampler)

    def on_validation_start(self) -> None:
        """Give every device the statistics of the first one's norms: what is measured is saved."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            for buffer in self.average.buffers():
                torch.distributed.broadcast(buffer, 0)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the loss of one batch."""
        images, labels, taught = self.views(indices)
        scores = self.scores(images)
        loss = self.label_loss(scores, labels)
        if taught is not None:
            loss = torch.lerp(loss, distillation(scores, taught), self.config.distill)
        self.log("loss", loss, prog_bar=True, batch_size=len(images))
        return loss

    def views(self, indices: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return varied views of these frames, their labels, and the scores of the teacher."""
        config = self.config
        size, augment = config.view, config.augment
        if self.global_step >= round((1 - config.whole) * config.steps):
            size = whole_strides(config.test_size, self.network.stride)
            augment = replace(augment, zoom=(1.0, 1.2), rotate_deg=0.0)

        def cut(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            return random_view(images, labels, size, augment)

        images, labels = self._train_set.views(indices, cut)
        labels = self.relabel(images, labels, indices)
        images = jitter_colours(images, augment)
        taught = self._ask_teacher(images)
        relit = self._train_set.relight[indices.to(self._train_set.relight.device)]
        relit = relit & (torch.rand(len(images), device=images.device) < augment.night)
        if bool(relit.any()):
            images[relit] = relight_as_night(images[relit], labels[relit], self.labels)
        if augment.paste:
            givers = ~self._train_set.filled[indices.cpu()]
            pasted = self.labels.ids(PASTED)
            images, labels = paste_objects(images, labels, givers, pasted, augment.paste)
        return images.contiguous(memory_format=torch.channels_last), labels, taught

    def label_loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the loss that the recipe names, of `scores` against labels."""
        config = self.config
        if config.loss in ("ce", "ce_mse"):
            loss = cross_entropy(scores, labels, self.weights, groups=self.groups)
            return loss + squared_error(scores, labels) if config.loss == "ce_mse" else loss
        alpha = config.alpha if config.loss == "combined" else 0.0
        return combined(scores, labels, self.weights, alpha=alpha, gamma=config.gamma)

    def relabel(self, images: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """Return the labels of the views; recipes that know better ones give those.

        Here, unlabelled pixels of sources with `fill` get those of the running average, which sees
        the views before their colours change.
        """
        filled = self._train_set.filled[indices.cpu()].to(images.device)
        if (
            self.self_labels is None
            or self.global_step < self.config.fill_after
            or not filled.any()
        ):
            return labels
        views = images[filled].contiguous(memory_format=torch.channels_last)
        scores = self.average.logits(views)
        ids = self.self_labels(scores, (labels.shape[1], labels.shape[2]))
        ids[views.sum(1) == 0] = IGNORE  # the black around a turned view shows nothing
        known = labels[filled]
        labels = labels.clone()
        labels[filled] = torch.where(known == IGNORE, ids, known)
        return labels

    @torch.no_grad()
    def _ask_teacher(self, images: Tensor) -> Tensor | None:
        """Return the teacher's scores of the views as they are before they are relit as night.

        Student and teacher look at the very same views: a teacher that is asked about other ones
        than the student sees teaches much less (Beyer et al., 2021).
        """
        for teacher in self._teacher:
            return teacher.logits(at_whole_strides(images, teacher.stride))
        return None

    def on_train_batch_end(self, *_: Any) -> None:
        """Let the averaged weights follow, quickly at first."""
        step = self.global_step
        keep = min(self.config.ema, (1 + step) / (10 + step))
        pairs = zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for average, current in pairs:
            if average.dtype.is_floating_point:
                average.lerp_(current, 1 - keep)
            else:
                average.copy_(current)

    def settle(self) -> None:
        """Keep a share of the start in the averaged network, where the recipe says so."""
        if not self._start:
            return
        self.average.to(self._train_set.relight.device)  # where the frames stay after a training
        draws = NORM_BATCHES * self.config.batch
        drawn = torch.multinomial(self._train_set.weights, draws, replacement=True)
        batches = (self.views(numbers)[0] for numbers in torch.split(drawn, self.config.batch))
        keep_start(self.average, self._start[0], self.config.keep, batches)

    def validation_step(self, index: Tensor, _batch: int) -> None:
        """Log mIoU, or recall of the road, of the averaged network on one validation set."""
        name = list(self._validation)[int(index)]
        figure = self.measure(name, self.average)
        self.log(
            figure_key(name, self._validation, self.labels), figure, prog_bar=True, batch_size=1
        )

    def measure(self, name: str, network: Segmenter) -> Tensor:
        """Return the figure of a network on a validation set, in percent."""
        figure = figure_on(network, *self._validation[name], self.config.test_size, self.labels)
        return torch.tensor(figure, device=self.device)

    def on_validation_epoch_end(self) -> None:
        """Log the means over the validation sets: of their mIoU, and of all figures."""
        found = self.trainer.callback_metrics
        keys = [figure_key(name, self._validation, self.labels) for name in self._validation]
        for name, kinds in (("miou/mean", ("miou",)), ("score", ("miou", "recall"))):
            values = [found[key] for key in keys if key in found and key.split("/")[0] in kinds]
            if values:
                self.log(name, torch.stack(values).mean(), prog_bar=True, batch_size=1)

    def save(self, out: Path, **about: object) -> Path:
        """Write the averaged network into `out` and return the file."""
        path = out / "model.pt"
        about = {"config": as_plain(self.config), **about}
        save_checkpoint(path, self.average, self.config.network, about, self.labels)
        return path

    def trained_parameters(self) -> list[nn.Parameter]:
        """Return what the optimizer is to change."""
        return list(self.network.parameters())

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return what the optimizer is to change, in groups; norms and biases are not decayed."""
        parameters, decay = self.trained_parameters(), self.config.weight_decay
        return [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]

    def configure_optimizers(self) -> Any:
        """Return AdamW with warm-up and polynomial decay."""
        config = self.config
        optimizer = torch.optim.AdamW(self.parameter_groups(), lr=config.lr)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: (
                min(1.0, (step + 1) / WARM_UP) * max(0.0, 1 - step / max(1, config.steps)) ** 0.9
            ),
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def train_segmentation(
    config: TrainConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Train the network that the recipe describes; OUT/model.pt holds its running average."""
    return train_network(
        SegmentationModule, config, out, data, resume=resume, fast_dev_run=fast_dev_run
    )


METHOD = Method(TrainConfig, train_segmentation)
