# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Output-space adversarial adaptation (AdaptSegNet, Tsai et al., 2018), with any segmenter.

A discriminator at each output learns to distinguish the probabilities of the source from those of
the target; the network learns the labels of the source, and to make the probabilities of the target
look like those of the source. One step of one optimizer does both: the discriminators are frozen
copies of themselves where the network deceives them, and what they learn from is detached from the
network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.learning.augmentation import jitter_colours, random_view
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.adversarial.config import AdversarialConfig
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.networks.discriminators import OutputDiscriminator
from nightseg_ros.learning.tensor_set import Frames, JoinedSet, Sets, expand, load_frames

SOURCE, TARGET = 0.0, 1.0


class AdversarialModule(SegmentationModule):
    """The segmentation recipe with a discriminator at every output of the network."""

    def __init__(
        self, config: AdversarialConfig, train: Frames, validation: Sets, target: Tensor
    ) -> None:
        """Adapt to the frames `target` (N, H, W, 3), uint8."""
        super().__init__(config, train, validation)
        self.adapting = config
        self._target = target
        with torch.no_grad():
            self.network.eval()
            levels = len(self.network.outputs(torch.zeros(1, 3, *config.view)))
            self.network.train()
        self.discriminators = nn.ModuleList(
            OutputDiscriminator(config.network.classes, config.judge_filters) for _ in range(levels)
        )

    def setup(self, stage: str) -> None:
        """Move all frames to the device once."""
        super().setup(stage)
        self._target = self._target.to(self.device)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the sum of all losses of one batch of the source and one of the target."""
        images, labels, _ = self.views(indices)
        losses = self.losses(images, labels, self.target_views(len(images)))
        total = torch.stack(list(losses.values())).sum()
        self.log_dict({"loss": total, **losses}, prog_bar=True, batch_size=len(images))
        return total

    def losses(self, images: Tensor, labels: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return all losses with their weights: of the labels, of deceiving, of judging.

        Source and target go through the network as one batch: batch norm then sees in training the
        mixture that its running figures describe.
        """
        config, count = self.adapting, len(images)
        both = torch.cat([images, target]).contiguous(memory_format=torch.channels_last)
        outputs = self.network.outputs(both)
        label_weights = (1.0, config.label_auxiliary)
        weights = (config.adversarial, config.adversarial_auxiliary)
        found: dict[str, list[Tensor]] = {"labels": [], "deceive": [], "discriminator": []}
        for level, (scores, discriminator) in enumerate(
            zip(outputs, self.discriminators, strict=True)
        ):
            found["labels"].append(label_weights[level] * self.label_loss(scores[:count], labels))
            probabilities = F.interpolate(
                scores.float(), images.shape[-2:], mode="bilinear", align_corners=False
            ).softmax(1)
            frozen = {name: value.detach() for name, value in discriminator.named_parameters()}
            deceived = functional_call(discriminator, frozen, (probabilities[count:],))
            found["deceive"].append(weights[level] * _domain_loss(deceived, SOURCE))
            judged = discriminator(probabilities.detach())
            found["discriminator"].append(
                0.5 * (_domain_loss(judged[:count], SOURCE) + _domain_loss(judged[count:], TARGET))
            )
        return {name: torch.stack(parts).sum() for name, parts in found.items()}

    def target_views(self, count: int) -> Tensor:
        """Return varied views of `count` random frames of the target."""
        chosen = torch.randint(len(self._target), (count,), device=self._target.device)
        images = self._target[chosen].permute(0, 3, 1, 2).float() / 255
        blank = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.uint8)
        images, _ = random_view(
            images, blank.to(images.device), self.config.view, self.config.augment
        )
        return jitter_colours(images, self.config.augment)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the network's groups, and the discriminators with a rate of their own."""
        discriminators = {
            "params": list(self.discriminators.parameters()),
            "lr": self.adapting.judge_lr,
            "betas": (0.9, 0.99),
            "weight_decay": 0.0,
        }
        return [*super().parameter_groups(), discriminators]

    def configure_gradient_clipping(
        self,
        optimizer: Any,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip network and discriminators each by themselves: neither is to slow the other down."""
        for part in (self.network, self.discriminators):
            nn.utils.clip_grad_norm_(part.parameters(), gradient_clip_val or float("inf"))


def _domain_loss(scores: Tensor, domain: float) -> Tensor:
    """Return the cross entropy of scores of a discriminator with one domain, as a mean."""
    wanted = torch.full_like(scores, domain)
    return F.binary_cross_entropy_with_logits(scores.float(), wanted.float())


def load_target(config: AdversarialConfig, data: str) -> Tensor:
    """Return the frames (N, H, W, 3) of the target."""
    frames = torch.cat(
        [load_frames(open_set(expand(spec, data)), config.cache)[0] for spec in config.target]
    )
    if not config.target_count or config.target_count >= len(frames):
        return frames
    order = np.random.default_rng(config.seed).permutation(len(frames))
    return frames[torch.from_numpy(np.sort(order[: config.target_count]))]


def train_adversarial(
    config: AdversarialConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Train the network against its discriminators; OUT/model.pt holds the network alone."""

    def make(config: AdversarialConfig, train: JoinedSet, validation: Sets) -> AdversarialModule:
        return AdversarialModule(config, train, validation, load_target(config, data))

    return train_network(make, config, out, data, resume=resume, fast_dev_run=fast_dev_run)


METHOD = Method(AdversarialConfig, train_adversarial)
