# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Feature vectors of images: what a segmentation network knows before it decides on classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nightseg_ros.learning.datasets.sample import DrivingSet
from nightseg_ros.learning.frame_scores import whole_strides
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.tensor_set import fit


class Tap:
    """Keeps what a module takes in, for losses and measures on features inside a network."""

    def __init__(self, module: nn.Module) -> None:
        self._seen: Tensor | None = None
        module.register_forward_pre_hook(self._keep)

    def _keep(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._seen = inputs[0]

    def take(self) -> Tensor:
        """Return what the module took in last, and forget it."""
        seen, self._seen = self._seen, None
        if seen is None:
            raise RuntimeError("the module was not run")
        return seen


def last_convolution(segmenter: Segmenter) -> nn.Module:
    """Return the convolution that makes class scores of features."""
    return [m for m in segmenter.modules() if isinstance(m, nn.Conv2d)][-1]


class SegmenterFeatures(nn.Module):
    """The last features (N, C, h, w) of a frozen segmentation network, of images in [0, 1]."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter.requires_grad_(False).eval()
        self._tap = Tap(last_convolution(segmenter))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features; gradients pass to `x`."""
        self.segmenter.logits(x)
        return self._tap.take()

    def train(self, mode: bool = True) -> SegmenterFeatures:
        """Stay as it is: a measure must not change with the mode of what is measured."""
        return self


def feature_vectors(
    segmenter: Segmenter,
    images: DrivingSet,
    size: tuple[int, int] = (272, 480),
    seen: Callable[[], object] | None = None,
) -> NDArray[np.float64]:
    """Return (N, C): each image's features at `size`, averaged over the image."""
    features = SegmenterFeatures(segmenter)
    target = whole_strides(size, segmenter.stride)
    rows = []
    for _, image, _ in images.load_all(None, max_bad=0.0):
        frame = torch.from_numpy(fit(image, target, 0)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            rows.append(features(frame).double().mean((2, 3))[0].numpy())
        if seen:
            seen()
    return np.stack(rows) if rows else np.zeros((0, 0))


def draw(images: DrivingSet, count: int, seed: int) -> DrivingSet:
    """Return `count` images of a set, drawn without replacement, in their order."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:count])
    return replace(images, samples=tuple(images.samples[i] for i in chosen))
