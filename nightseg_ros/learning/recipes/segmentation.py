# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training a segmentation network on labelled (or pseudo-labelled) frames."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, WeightedRandomSampler

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE, lookup
from nightseg_ros.learning.augmentation import jitter_colours, random_view
from nightseg_ros.learning.config import TrainConfig, as_plain
from nightseg_ros.learning.frame_scores import whole_strides
from nightseg_ros.learning.losses import (
    class_weights,
    combined,
    cross_entropy,
    distillation,
    squared_error,
)
from nightseg_ros.learning.networks.registry import (
    create_network,
    load_checkpoint,
    load_start,
    save_checkpoint,
)
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.relight import relight_as_night
from nightseg_ros.learning.tensor_set import Numbers, TensorSet, class_shares

WARM_UP = 100
JOINT = 11


class SegmentationRecipe(lightning.LightningModule):
    """Weighted cross entropy, strong augmentation, and an average of the weights that is kept."""

    weights: Tensor
    joint: Tensor

    def __init__(
        self,
        config: TrainConfig,
        train: TensorSet,
        validation: dict[str, tuple[Tensor, Tensor]],
        network: Segmenter | None = None,
    ) -> None:
        """Train `network`, or the one that the recipe describes."""
        super().__init__()
        self.config = config
        self.network = create_network(config.network) if network is None else network
        if network is None and config.init:
            load_start(self.network, Path(config.init))
        untyped: Any = self.network  # the type hints of `to` do not know memory formats
        untyped.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.scores: Callable[[Tensor], Tensor] = self.network.logits
        if config.compile:
            self.scores = torch.compile(self.network.logits)
        # In a list, so that the teacher is no part of this module and of its checkpoints.
        self._teacher = [_load_teacher(config)] if config.teacher and config.distill else []
        self._train_set, self._validation = train, validation
        shares = class_shares(train, config.network.classes)
        self.register_buffer("weights", class_weights(shares), persistent=False)
        joint = torch.from_numpy(lookup("cityscapes19", "joint11").astype(np.int64))
        self.register_buffer("joint", joint, persistent=False)

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
        """Return one entry per validation set."""
        return DataLoader(Numbers(len(self._validation)), batch_size=1)

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
        images, labels = self._train_set.batch(indices)
        images, labels = random_view(images, labels, config.view, config.augment)
        labels = self.relabel(images, labels, indices)
        images = jitter_colours(images, config.augment)
        taught = self._ask_teacher(images)
        relit = self._train_set.relight[indices.to(self._train_set.relight.device)]
        relit = relit & (torch.rand(len(images), device=images.device) < config.augment.night)
        if bool(relit.any()):
            images[relit] = relight_as_night(images[relit], labels[relit])
        return images.contiguous(memory_format=torch.channels_last), labels, taught

    def label_loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the loss that the recipe names, of `scores` against labels."""
        config = self.config
        if config.loss in ("ce", "ce_mse"):
            loss = cross_entropy(scores, labels, self.weights)
            return loss + squared_error(scores, labels) if config.loss == "ce_mse" else loss
        alpha = config.alpha if config.loss == "combined" else 0.0
        return combined(scores, labels, self.weights, alpha=alpha, gamma=config.gamma)

    def relabel(self, images: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """Return the labels of the views; recipes that know better ones give those."""
        return labels

    @torch.no_grad()
    def _ask_teacher(self, images: Tensor) -> Tensor | None:
        """Return the teacher's scores of the views as they are before they are relit as night.

        Student and teacher look at the very same views: a teacher that is asked about other ones
        than the student sees teaches much less (Beyer et al., 2021).
        """
        for teacher in self._teacher:
            return teacher.logits(images.contiguous(memory_format=torch.channels_last))
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

    def validation_step(self, index: Tensor, _batch: int) -> None:
        """Log the mIoU of the averaged network on one validation set."""
        name = list(self._validation)[int(index)]
        miou = self.measure(name, self.average)
        self.log(f"miou/{name}", miou, prog_bar=True, batch_size=1)

    def measure(self, name: str, network: Segmenter) -> Tensor:
        """Return the mIoU over the classes present in a set, in percent of the joint label set."""
        images, labels = self._validation[name]
        matrix = torch.zeros(JOINT * JOINT, dtype=torch.long, device=self.device)
        for start in range(0, len(images), 4):
            predicted = self.joint[self.predict(images[start : start + 4], network)]
            truth = self.joint[labels[start : start + 4].to(self.device).long()]
            known = truth != IGNORE
            pairs = JOINT * truth[known] + predicted[known]
            matrix += torch.bincount(pairs, minlength=JOINT * JOINT)
        counts = matrix.view(JOINT, JOINT).double()
        union = counts.sum(0) + counts.sum(1) - counts.diag()
        present = counts.sum(1) > 0
        miou = (counts.diag() / union.clamp(min=1))[present].mean() * 100
        return miou.float()

    def on_validation_epoch_end(self) -> None:
        """Log the mean over the validation sets, the figure that chooses the checkpoint."""
        values = [
            value
            for name, value in self.trainer.callback_metrics.items()
            if name.startswith("miou/") and name != "miou/mean"
        ]
        if values:
            self.log("miou/mean", torch.stack(values).mean(), prog_bar=True, batch_size=1)

    def predict(self, images: Tensor, network: Segmenter) -> Tensor:
        """Return the ids (n, H, W) that `network` gives to (n, H, W, 3) uint8 frames."""
        frames = images.to(self.device).permute(0, 3, 1, 2).float() / 255
        size = whole_strides(self.config.test_size, network.stride)
        frames = F.interpolate(frames, size, mode="bilinear", align_corners=False, antialias=True)
        scores = network.logits(frames.contiguous(memory_format=torch.channels_last)).float()
        full = F.interpolate(scores, images.shape[1:3], mode="bilinear", align_corners=False)
        return full.argmax(1)

    def save(self, out: Path, **about: object) -> Path:
        """Write the averaged network into `out` and return the file."""
        path = out / "model.pt"
        about = {"config": as_plain(self.config), **about}
        save_checkpoint(path, self.average, self.config.network, about)
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


def _load_teacher(config: TrainConfig) -> Segmenter:
    """Return the teacher, frozen, or say that its classes or its views do not fit."""
    path = Path(config.teacher)
    teacher, described, _ = load_checkpoint(path)
    if described.classes != config.network.classes:
        raise NightsegError(
            f"recipe {config.name}: teacher {path} has {described.classes} classes, the network "
            f"{config.network.classes}; take a teacher of the same label set"
        )
    if any(side % teacher.stride for side in config.view):
        raise NightsegError(
            f"recipe {config.name}: view is {config.view}; teacher {path} needs multiples of "
            f"{teacher.stride}"
        )
    untyped: Any = teacher.requires_grad_(False)
    untyped.to(memory_format=torch.channels_last)
    return teacher
