# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Making a network see a day image and its darkened copy alike (Similarity Min-Max, step two).

The features of every stage are projected to a short vector, from which a second head predicts the
vector that a slow copy of network and heads projects from the other image (Grill et al., 2020).
Only the copy is predicted, never changed by the gradient, so that the vectors cannot all become
the same. What network, which stages, and which task are all the same to it: a segmenter, a
classifier, a place-recognition network, or the frames of clips for a network of actions.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.stages import Stages

HIDDEN, VECTOR = 64, 128
EXAMPLE = (64, 64)


class ProjectionHead(nn.Module):
    """A feature map as a vector: 3x3 convolution, mean over the map, two linear layers.

    Features that are vectors already, (N, C), are taken as maps of one pixel; of those of clips,
    (N, C, T, H, W), the mean over time is taken.
    """

    def __init__(self, channels: int, hidden: int = HIDDEN, vector: int = VECTOR) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(channels, hidden, 3, padding=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
        )
        self.mlp = _two_layers(hidden, vector)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, vector)."""
        maps = features[:, :, None, None] if features.ndim == 2 else features
        maps = maps.mean(2) if maps.ndim == 5 else maps
        vectors: Tensor = self.mlp(self.conv(maps).mean((2, 3)))
        return vectors


def _two_layers(inside: int, vector: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inside, vector, bias=False),
        nn.BatchNorm1d(vector),
        nn.ReLU(inplace=True),
        nn.Linear(vector, vector),
    )


def distance(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Return 2 - 2 cos between vectors (N, C), averaged over N; `wanted` gets no gradient.

    >>> distance(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0]])).item()
    0.0
    >>> distance(torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])).item()
    2.0
    """
    cosine = F.cosine_similarity(predicted.float(), wanted.detach().float(), dim=1)
    return (2.0 - 2.0 * cosine).mean()


class SlowCopy(nn.Module):
    """A copy whose weights follow those of `source` slowly and whose statistics are its own.

    The running statistics of batch norms are no weights: they are copied, or the copy would
    normalise by what the source measured long ago. It is always in evaluation mode.
    """

    def __init__(self, source: nn.Module, momentum: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(source).requires_grad_(False)
        self.momentum = momentum
        self.eval()

    def train(self, mode: bool = True) -> SlowCopy:
        """Stay in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def follow(self, source: nn.Module) -> None:
        """Take a step towards the weights of `source`, and its buffers as they are."""
        pairs = zip(self.module.parameters(), source.parameters(), strict=True)
        for slow, parameter in pairs:
            slow.lerp_(parameter, 1.0 - self.momentum)
        for held, buffer in zip(self.module.buffers(), source.buffers(), strict=True):
            held.copy_(buffer)


class SimilarityHeads(nn.Module):
    """For every stage a projection head, and one that predicts the slow copy's vector."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.project = nn.ModuleList(ProjectionHead(count) for count in channels)
        self.predict = nn.ModuleList(_two_layers(VECTOR, VECTOR) for _ in channels)

    def projections(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return the vectors of all stages."""
        return [head(x) for head, x in zip(self.project, features, strict=True)]


class Similarity(nn.Module):
    """The symmetric loss of `network` for pairs of images of the same things in another light.

        similarity = Similarity(network)                 # all of network.stages
        scores, loss = similarity(day, dark)             # one run of the network for both
        (task_loss(scores) + 0.1 * loss).backward()      # reaches network and similarity.heads
        optimizer.step()
        similarity.follow()                              # the slow copy takes its step

    The network itself is no part of this module: train `network` and `similarity.heads` together.
    Day and dark go through it as one batch, so that its batch norms learn the statistics of both,
    by which they will be normalised later.

    For actions the same call works frame by frame: clips (N, T, 3, H, W) go in as
    `clips.flatten(0, 1)`, and their scores come back as `scores.unflatten(0, (-1, T)).mean(1)`. A
    network of whole clips takes them as it wants them, with an `example` clip to be measured by.
    """

    def __init__(
        self,
        network: nn.Module,
        stages: Sequence[str] | None = None,
        *,
        momentum: float = 0.99,
        example: Tensor | None = None,
    ) -> None:
        super().__init__()
        if not 0.0 <= momentum < 1.0:
            raise NightsegError(f"momentum is {momentum}; use 0 up to, not including, 1")
        first = next(network.parameters())
        example = first.new_zeros(1, 3, *EXAMPLE) if example is None else example
        slow = SlowCopy(network, momentum)  # before there are hooks that it would copy
        self._stages = Stages(network, stages)
        self.heads = SimilarityHeads(self._stages.channels(example)).to(first.device)
        self.slow_network = slow
        self.slow_heads = SlowCopy(self.heads.project, momentum)
        # Stages are no module: the slow copy is registered once, the network not at all.
        self._slow_stages = Stages(slow.module, self._stages.names)

    def forward(self, day: Tensor, dark: Tensor) -> tuple[Tensor, Tensor]:
        """Return the network's scores of both, the day images' first, and the loss."""
        both = torch.cat([day, dark])
        if both.ndim == 4:
            both = both.contiguous(memory_format=torch.channels_last)
        features, scores = self._stages.run(both)
        with torch.no_grad():
            slow_features, _ = self._slow_stages.run(both)
            slow = zip(self.slow_heads.module, slow_features, strict=True)  # type: ignore[call-overload]
            wanted = [head(x) for head, x in slow]
        losses = []
        for predict, vectors, goals in zip(
            self.heads.predict, self.heads.projections(features), wanted, strict=True
        ):
            to_dark, to_day = predict(vectors).chunk(2)
            goal_day, goal_dark = goals.chunk(2)
            losses.append(distance(to_dark, goal_dark) + distance(to_day, goal_day))
        return scores, torch.stack(losses).mean()

    def follow(self) -> None:
        """Let the slow copies take their step; call it after every step of the optimizer."""
        self.slow_network.follow(self._stages.network)
        self.slow_heads.follow(self.heads.project)

    def close(self) -> None:
        """Take the hooks off the network."""
        self._stages.close()
        self._slow_stages.close()
