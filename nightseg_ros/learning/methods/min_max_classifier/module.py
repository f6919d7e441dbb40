# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Zero-shot adaptation of an image classifier: the recipe min_max for whole pictures.

Without `darken` it is the training on day pictures that comes first: of the network to start from,
for which the darkening module is trained then.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, RandomSampler

from nightseg_ros.datasets.codan import open_split
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.augmentation import AugmentConfig, jitter_colours
from nightseg_ros.learning.config import as_plain
from nightseg_ros.learning.darkenings import Darken, darken_by, night_exposure
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.min_max.similarity import Similarity
from nightseg_ros.learning.methods.min_max_classifier.config import MinMaxClassifierConfig
from nightseg_ros.learning.networks.classifier import Classifier, create_classifier, load_classifier
from nightseg_ros.learning.networks.registry import save_checkpoint
from nightseg_ros.learning.tensor_set import Numbers, expand
from nightseg_ros.learning.trainer import fit, log_losses, resumable

if TYPE_CHECKING:
    from nightseg_ros.learning.run_record import Run

Pictures = tuple[Tensor, Tensor]
"""(N, side, side, 3) uint8 RGB, and labels (N,)."""


class MinMaxClassifier(lightning.LightningModule):
    """Cross entropy of day pictures and of darkened ones, and the same features for both."""

    def __init__(
        self, config: MinMaxClassifierConfig, train: Pictures, validation: dict[str, Pictures]
    ) -> None:
        super().__init__()
        self.config = config
        self.network = _first_network(config)
        self._images, self._labels = train
        self._validation = validation
        self._augment = AugmentConfig(jitter=config.jitter)
        self._darken: Darken | None = None
        self.similarity: Similarity | None = None
        if config.darken:
            name, _, checkpoint = config.darken.partition(":")
            self._darken = darken_by(name, Path(checkpoint) if checkpoint else None)
            if config.similarity:
                self.similarity = Similarity(self.network, config.stages, momentum=config.momentum)

    def setup(self, stage: str) -> None:
        """Move the pictures to the device once."""
        self._images, self._labels = self._images.to(self.device), self._labels.to(self.device)

    def train_dataloader(self) -> DataLoader:
        """Return batches of picture numbers."""
        draws = self.config.val_every * self.config.batch
        generator = torch.Generator().manual_seed(self.config.seed + self.current_epoch)
        numbers = Numbers(len(self._images))
        sampler = RandomSampler(numbers, True, draws, generator=generator)
        return DataLoader(numbers, self.config.batch, sampler=sampler)

    def val_dataloader(self) -> DataLoader:
        """Return one entry per validation split."""
        return DataLoader(Numbers(len(self._validation)), batch_size=1)

    def training_step(self, indices: Tensor, _batch: int) -> Tensor:
        """Return the loss of one batch."""
        config = self.config
        numbers = indices.to(self._images.device)
        pictures = self._images[numbers].permute(0, 3, 1, 2).float() / 255
        labels = self._labels[numbers]
        day = jitter_colours(random_crop(pictures, config.view, config.crop), self._augment)
        losses = {}
        if self._darken is None:
            scores = self.network(day)
        else:
            with torch.no_grad():
                low, high = config.exposure
                exposure = low + night_exposure(day, high - low, config.noise, config.cell)
                dark = self._darken(day, exposure).clamp(0, 1)
            labels = labels.repeat(2)
            if self.similarity is None:
                scores = self.network(torch.cat([day, dark]))
            else:
                scores, alike = self.similarity(day, dark)
                losses["similarity"] = config.similarity * alike
        # The sum of day and darkened, as the weight of the similarity is meant for.
        losses["labels"] = F.cross_entropy(scores.float(), labels) * (len(labels) / len(day))
        return log_losses(self, losses, len(day))

    def on_train_batch_end(self, *_: Any) -> None:
        """Let the slow copy follow."""
        if self.similarity is not None:
            self.similarity.follow()

    def validation_step(self, index: Tensor, _batch: int) -> None:
        """Log the accuracy on one validation split."""
        name = list(self._validation)[int(index)]
        value = accuracy(self.network, *self._validation[name], self.config.view)
        self.log(f"top1/{name}", value, prog_bar=True, batch_size=1)

    def configure_optimizers(self) -> Any:
        """Return Adam, whose rate falls to a tenth after each third of the steps."""
        config = self.config
        parameters = list(self.network.parameters())
        if self.similarity is not None:
            parameters += self.similarity.heads.parameters()
        optimizer = torch.optim.Adam(parameters, lr=config.lr, weight_decay=config.weight_decay)
        ends = [max(1, config.steps // 3), max(2, 2 * config.steps // 3)]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, ends, gamma=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def random_crop(images: Tensor, size: int, area: tuple[float, float]) -> Tensor:
    """Return a random square view of every image, half of them mirrored, at `size` pixels."""
    count, device = len(images), images.device
    side = torch.empty(count, device=device).uniform_(*area).sqrt()
    shift = (1 - side) * torch.empty(2, count, device=device).uniform_(-1, 1)
    mirror = torch.where(torch.rand(count, device=device) < 0.5, -side, side)
    zero = torch.zeros_like(side)
    theta = torch.stack(
        [torch.stack([mirror, zero, shift[0]], 1), torch.stack([zero, side, shift[1]], 1)], 1
    )
    grid = F.affine_grid(theta, [count, 3, size, size], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


@torch.no_grad()
def accuracy(network: Classifier, images: Tensor, labels: Tensor, view: int) -> float:
    """Return the share of pictures whose highest score is right, in percent."""
    device = next(network.parameters()).device
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    hits = 0
    for batch, truth in zip(torch.split(images, 32), torch.split(labels, 32), strict=True):
        x = batch.to(device).permute(0, 3, 1, 2).float() / 255
        x = F.interpolate(x, (view, view), mode="bilinear", align_corners=False, antialias=True)
        hits += int((network(x).argmax(1) == truth.to(device)).sum())
    for module, mode in modes:
        module.training = mode
    return 100 * hits / len(images)


@resumable
def train_classifier(
    run: Run, config: MinMaxClassifierConfig, data: str, fast: bool
) -> dict[str, Any]:
    """Train, keep the last weights as model.pt, and measure every split."""
    folder = Path(expand(config.folder, data))
    train = open_split(folder, config.train)
    if len(train.classes) != config.network.classes:
        raise NightsegError(
            f"{train.name} has {len(train.classes)} classes ({', '.join(train.classes)}), the "
            f"network {config.network.classes}; set network.classes"
        )

    def load(split: str) -> Pictures:
        images, labels = open_split(folder, split, train.classes).load(config.cache)
        return torch.from_numpy(images), torch.from_numpy(labels)

    validation = {split: load(split) for split in config.val}
    module = MinMaxClassifier(config, load(config.train), validation)
    trainer = fit(
        module,
        config,
        run,
        fast_dev_run=fast,
        timed=module.network,
        reload_dataloaders_every_n_epochs=0,
    )
    figures = {
        f"top1/{split}": round(accuracy(module.network, *pictures, config.view), 2)
        for split, pictures in (
            *validation.items(),
            *((split, load(split)) for split in config.test if split not in validation),
        )
    }
    path = run.out / "model.pt"
    about = {
        "config": as_plain(config),
        "classes": list(train.classes),
        "figures": figures,
        "parts": run.parts,
    }
    save_checkpoint(path, module.network, config.network, about)
    result = {"checkpoint": str(path), "chosen_step": trainer.global_step, "figures": figures}
    return run.finish(result)


def _first_network(config: MinMaxClassifierConfig) -> Classifier:
    if not config.init:
        return create_classifier(config.network)
    network, described, _ = load_classifier(Path(config.init))
    if described != config.network:
        raise config.refused(
            f"init {config.init} is {described}, network {config.network}; make them the same"
        )
    return network.train()


METHOD = Method(MinMaxClassifierConfig, train_classifier)
