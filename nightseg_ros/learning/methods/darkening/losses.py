# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a curve for every pixel is trained by, without a night frame and without a reference.

The first five are those of Similarity Min-Max (Luo et al., 2023), for darkening; the last two are
of Zero-DCE (Guo et al., 2020), for brightening.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def similarity(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Return the cosine similarity of features along their channels, averaged over the stages.

    Darkening makes it small: the night frame that is hardest for the network is looked for.
    """
    values = [
        F.cosine_similarity(a.float(), b.float(), dim=1).mean()
        for a, b in zip(first, second, strict=True)
    ]
    return torch.stack(values).mean()


def exposure_distance(images: Tensor, exposure: Tensor, patch: int = 1) -> Tensor:
    """Return the mean squared distance of the grey values of patches from the wanted exposure.

    Squared as in the authors' program, to which the published weight belongs; their text has the
    absolute distance. `exposure` is (N, 1, 1, 1), or of the size of the images.
    """
    grey = F.avg_pool2d(images.mean(1, keepdim=True), patch)
    level = exposure if exposure.shape[-1] == 1 else F.avg_pool2d(exposure, patch)
    return (grey - level).square().mean()


def colour_constancy(images: Tensor) -> Tensor:
    """Return how far the mean values of the three colours of each frame are apart, squared.

    It is the root of the sum of the fourth powers, as in the programs of both papers; the published
    weights belong to it.
    """
    means = images.mean((2, 3))
    fourth = (means - means.roll(1, dims=1)).pow(4).sum(1)
    return (fourth + 1e-12).sqrt().mean()  # a grey frame must not make the gradient infinite


def loose_variation(curves: Tensor, loose: float = 0.02) -> Tensor:
    """Return the variation of curves, in which a large step costs nothing.

    Steps d cost max(loose - |d - loose|, 0) squared: most at `loose`, nothing from twice as much,
    so that light may end at the edge of a thing.
    """

    def cost(steps: Tensor) -> Tensor:
        return (loose - (steps.abs() - loose).abs()).clamp(min=0.0).square()

    return _over_steps(curves, cost)


def variation(curves: Tensor) -> Tensor:
    """Return the mean squared step of curves, with the factors of `loose_variation`."""
    return _over_steps(curves, torch.square)


def flexibility(scale: Tensor) -> Tensor:
    """Return how far the scales of the curves are below 1, on average."""
    return (1.0 - scale).mean()


def spatial_change(made: Tensor, given: Tensor, cell: int = 4) -> Tensor:
    """Return how much the contrast of neighbouring cells has changed, squared."""
    a, b = (F.avg_pool2d(x.mean(1, keepdim=True), cell) for x in (made, given))
    rows = a.diff(dim=2).abs() - b.diff(dim=2).abs()
    columns = a.diff(dim=3).abs() - b.diff(dim=3).abs()
    # Each cell meets two neighbours in its row and two in its column.
    return 2.0 * (rows.square().mean() + columns.square().mean())


def _over_steps(curves: Tensor, cost: Callable[[Tensor], Tensor]) -> Tensor:
    """Return twice the cost of the steps in both directions, summed over the channels."""
    rows, columns = (cost(curves.diff(dim=dim)).mean() for dim in (2, 3))
    return 2.0 * curves.shape[1] * (rows + columns)
