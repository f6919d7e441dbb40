# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
r"""Recognising places by night without a night image: retrieval by GeM descriptors.

Any network that returns a feature map (or several, of which the last is taken) becomes a place
network; a darkened copy of the positive is a second positive (Similarity Min-Max, VPR).

    backbone = load_checkpoint(Path("runs/erf_pspnet_day/model.pt"))[0].encoder
    network = PlaceNetwork(backbone)
    darken = darken_by("module", Path("runs/darkening/darkening.pt"))
    train_places(network, images, places, darken, steps=2000)
    score = mean_average_precision(
        describe(network, queries), query_places, describe(network, database), database_places
    )

Or, on a folder SPLIT/PLACE/*.jpg with the splits train (day), query and database:

    python -m nightseg_ros.learning.methods.min_max.place_recognition FOLDER \
        --checkpoint runs/erf_pspnet_day/model.pt
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.darkenings import Darken, darken_by, night_exposure

MARGIN, NEGATIVES = 0.85, 5
SCALES = (1.0, 0.5**0.5, 0.5)


class GeM(nn.Module):
    """Generalised mean over a feature map: the mean at power 1, the maximum at infinity."""

    def __init__(self, power: float = 3.0, least: float = 1e-6) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor([power]))
        self.least = least

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C) of (N, C, H, W)."""
        raised: Tensor = x.float().clamp(min=self.least) ** self.power
        return raised.mean((2, 3)) ** (1.0 / self.power)


class PlaceNetwork(nn.Module):
    """Descriptors (N, C) of length 1 of images (N, 3, H, W) in [0, 1]."""

    stages = ("backbone",)
    """For `learning.methods.min_max.similarity`, where the backbone returns one map."""

    def __init__(self, backbone: nn.Module, power: float = 3.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.pool = GeM(power)

    def forward(self, x: Tensor) -> Tensor:
        """Return the descriptors."""
        found = self.backbone(x)
        features: Tensor = found if isinstance(found, Tensor) else found[-1]
        return F.normalize(self.pool(features), dim=1)


def contrastive_loss(
    anchors: Tensor, positives: Tensor, negatives: Tensor, margin: float = MARGIN
) -> Tensor:
    """Return half the squared distances of positives, and of what negatives lack of the margin.

    Anchors are (N, C), positives (N, P, C), negatives (N, K, C); the sum of each anchor is
    averaged over the anchors.

    >>> one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[[0.0, 1.0]]])
    >>> contrastive_loss(one, one[:, None], other).item()
    0.0
    >>> contrastive_loss(one, other, other).item()
    1.0
    """
    near = (anchors[:, None] - positives).square().sum(2)
    far = (anchors[:, None] - negatives).square().sum(2).clamp(min=1e-12).sqrt()
    lacking = (margin - far).clamp(min=0).square()
    return 0.5 * (near.sum(1) + lacking.sum(1)).mean()


def place_loss(
    network: nn.Module,
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor,
    darken: Darken | None,
    *,
    exposure: float = 0.2,
    margin: float = MARGIN,
) -> Tensor:
    """Return the loss of images: anchors and positives (N, 3, H, W), negatives (N, K, 3, H, W).

    The darkened positive is a second one; without `darken` this is the training by day.
    """
    seen = [positives]
    if darken is not None:
        with torch.no_grad():
            seen.append(darken(positives, night_exposure(positives, exposure, cell=16)).clamp(0, 1))
    count, each = negatives.shape[:2]
    batch = torch.cat([anchors, *seen, negatives.flatten(0, 1)])
    descriptors: Tensor = network(batch)
    parts = torch.split(descriptors, [count, *(count for _ in seen), count * each])
    return contrastive_loss(
        parts[0], torch.stack(list(parts[1:-1]), 1), parts[-1].view(count, each, -1), margin
    )


@torch.no_grad()
def describe(
    network: nn.Module, images: Tensor, scales: Sequence[float] = SCALES, batch: int = 8
) -> Tensor:
    """Return descriptors of (N, H, W, 3) uint8 images, averaged over scales, of length 1."""
    network.eval()
    device = next(network.parameters()).device
    found = []
    for part in torch.split(images, batch):
        x = part.to(device).permute(0, 3, 1, 2).float() / 255
        summed: Tensor | None = None
        for scale in scales:
            size = [max(32, 32 * round(side * scale / 32)) for side in x.shape[2:]]
            scaled = F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=True)
            here: Tensor = network(scaled)
            summed = here if summed is None else summed + here
        assert summed is not None
        found.append(F.normalize(summed, dim=1).cpu())
    return torch.cat(found)


def mean_average_precision(
    queries: Tensor, query_places: Tensor, database: Tensor, database_places: Tensor
) -> float:
    """Return the mean over queries of the average precision of the ranked database, in percent.

    >>> database, places = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([4, 7])
    >>> mean_average_precision(torch.tensor([[0.9, 0.1]]), torch.tensor([4]), database, places)
    100.0
    >>> mean_average_precision(torch.tensor([[0.9, 0.1]]), torch.tensor([7]), database, places)
    50.0
    """
    ranked = (queries @ database.T).argsort(dim=1, descending=True, stable=True)
    right = (database_places[ranked] == query_places[:, None]).double()
    total = right.sum(1)
    if not len(right) or bool((total == 0).any()):
        raise NightsegError("a query shows a place of which the database has no image")
    place = torch.arange(1, right.shape[1] + 1)
    precision = right.cumsum(1) / place
    return float(((precision * right).sum(1) / total).mean() * 100)


@torch.no_grad()
def hard_negatives(
    descriptors: Tensor, places: Tensor, anchors: Tensor, count: int = NEGATIVES
) -> Tensor:
    """Return, for each anchor number, the images of other places that look most like it."""
    alike = descriptors[anchors] @ descriptors.T
    alike[places[anchors][:, None] == places[None]] = -2.0
    return alike.topk(count, 1).indices


def train_places(
    network: nn.Module,
    images: Tensor,
    places: Tensor,
    darken: Darken | None,
    *,
    steps: int = 1000,
    batch: int = 5,
    lr: float = 1e-5,
    negatives: int = NEGATIVES,
    mine_every: int = 100,
    seed: int = 0,
) -> list[float]:
    """Train on day images (N, H, W, 3) uint8 of places (N,), and return the losses.

    Every place needs two images. Batch norms keep their statistics, as in the published training.
    """
    counts = torch.bincount(places)
    anchors_of = torch.nonzero(counts[places] > 1).flatten()
    if not len(anchors_of) or len(images) - int(counts.max()) < negatives:
        raise NightsegError(
            f"{len(images)} images of {len(counts)} places: need places with two images, and "
            f"{negatives} images of other places"
        )
    device = next(network.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    losses: list[float] = []
    descriptors = torch.zeros(0)

    def load(numbers: Tensor) -> Tensor:
        return images[numbers].to(device).permute(0, 3, 1, 2).float() / 255

    for step in range(steps):
        if step % mine_every == 0:
            descriptors = describe(network, images, (1.0,))
        drawn = torch.randint(len(anchors_of), (batch,), generator=generator)
        anchors = anchors_of[drawn]
        same = (places[anchors][:, None] == places[None]).double()
        same[torch.arange(batch), anchors] = 0
        positives = torch.multinomial(same, 1, generator=generator).flatten()
        far = hard_negatives(descriptors, places, anchors, negatives)
        network.train()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        others = load(far.flatten()).view(batch, negatives, 3, *images.shape[1:3])
        loss = place_loss(network, load(anchors), load(positives), others, darken)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def open_places(folder: Path, split: str, side: int) -> tuple[Tensor, NDArray[np.str_]]:
    """Return the images of SPLIT/PLACE/*.jpg as squares, and the names of their places."""
    from nightseg_ros.datasets.codan import open_split

    pictures = open_split(folder, split)
    images, labels = pictures.load(side)
    return torch.from_numpy(images), np.array(pictures.classes)[labels]


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Measure mAP before and after the adaptation on a folder of places."""
    from nightseg_ros.learning.networks.registry import load_checkpoint

    parser = argparse.ArgumentParser(prog="nightseg_ros.learning.methods.min_max.place_recognition")
    parser.add_argument("folder", type=Path, help="SPLIT/PLACE/*.jpg; train, query, database")
    parser.add_argument("--checkpoint", type=Path, required=True, help="a day model")
    parser.add_argument("--backbone", default="encoder", help="its submodule with the features")
    parser.add_argument("--darken", default="gamma", help="a method, module:FILE, or none")
    parser.add_argument("--side", type=int, default=352, help="pixels of the square images")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lr", type=float, default=1e-5)
    parser.add_argument("--out", type=Path, help="where to keep the weights")
    asked = parser.parse_args(arguments)
    network = PlaceNetwork(load_checkpoint(asked.checkpoint)[0].get_submodule(asked.backbone))
    darken: Darken | None = None
    if asked.darken != "none":
        name, _, file = asked.darken.partition(":")
        darken = darken_by(name, Path(file) if file else None)
    queries, query_names = open_places(asked.folder, "query", asked.side)
    database, names = open_places(asked.folder, "database", asked.side)
    known = sorted({*names, *query_names})

    def ids(of: NDArray[np.str_]) -> Tensor:
        return torch.tensor([known.index(name) for name in of])

    def score() -> float:
        return mean_average_precision(
            describe(network, queries), ids(query_names), describe(network, database), ids(names)
        )

    result = {"before": score()}
    images, places = open_places(asked.folder, "train", asked.side)
    numbers = torch.from_numpy(np.unique(places, return_inverse=True)[1])
    train_places(network, images, numbers, darken, steps=asked.steps, lr=asked.lr)
    result["after"] = score()
    if asked.out is not None:
        torch.save(network.state_dict(), asked.out)
    return result


if __name__ == "__main__":
    try:
        found = main()
    except NightsegError as error:
        sys.exit(f"nightseg: error: {error}")
    print("mAP before {before:.2f}, after {after:.2f}".format(**found))
