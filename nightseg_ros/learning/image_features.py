# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Features of images: what a network knows before it decides on classes.

They are those of a segmentation network, or of VGG16 where the user has its weights in a file. Our
own day model, trained on day frames alone, knows streets, which is what a translation has to keep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.frame_scores import whole_strides
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.networks.resnet import IMAGENET_MEAN, IMAGENET_STD, read_weights
from nightseg_ros.learning.tensor_set import fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.datasets.sample import DrivingSet
    from nightseg_ros.learning.networks.segmenter import Segmenter

VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
"""Channels of the 3x3 convolutions up to relu5_3; 0 halves the size."""


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

    @torch.inference_mode()
    def of_image(self, image: NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
        """Return the features (C, h, w) of an image that is seen at `size`, in double precision."""
        frame = torch.from_numpy(fit(image, size, 0)).permute(2, 0, 1)[None].float() / 255
        found: Tensor = self(frame)[0].double()
        return found

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
        rows.append(features.of_image(image, target).mean((1, 2)).numpy())
        if seen:
            seen()
    return np.stack(rows) if rows else np.zeros((0, 0))


def draw(images: DrivingSet, count: int, seed: int) -> DrivingSet:
    """Return `count` images of a set, drawn without replacement, in their order."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:count])
    return replace(images, samples=tuple(images.samples[i] for i in chosen))


VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
"""Channels of the 3x3 convolutions up to relu5_3; 0 halves the size."""


class VggFeatures(nn.Module):
    """VGG16 up to relu5_3, for images in [0, 1]; the weights are named as torchvision names them.

    Layers have the numbers they have there: convolution, ReLU and pooling are counted alike.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in VGG16:
            if width:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 512, H/16, W/16)."""
        y: Tensor = self.features((x - self.mean) / self.std)
        return y


def load_features(path: Path) -> nn.Module:
    """Return the frozen feature network in `path`: VGG16 weights, or a segmentation checkpoint."""
    content = read_weights(
        path,
        f"there is no perceptual network {path}; name a file of VGG16 weights (torchvision's "
        "vgg16), or a checkpoint of a day model, or set perceptual=0",
    )
    if not isinstance(content, dict):
        raise NightsegError(f"{path} holds a {type(content).__name__}, need a table of weights")
    if "network" in content and "state" in content:
        return SegmenterFeatures(load_checkpoint(path)[0])
    network = VggFeatures()
    wanted = {name for name in network.state_dict() if name.startswith("features.")}
    state = {name: value for name, value in content.items() if name in wanted}
    if state.keys() != wanted:
        missing = sorted(wanted - state.keys())[0]
        raise NightsegError(
            f"{path} holds neither VGG16 weights as torchvision names them ('{missing}' is not "
            "there) nor a segmentation checkpoint of nightseg; name one of the two"
        )
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise NightsegError(f"{path}: {str(error).splitlines()[1].strip()[:120]}") from error
    return network.requires_grad_(False).eval()


def normalised_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean squared distance of instance-normalised features.

    Without their mean and spread per channel, features say what is where and not how bright it is.
    """
    return (_normalised(a) - _normalised(b)).square().mean()


def _normalised(x: Tensor) -> Tensor:
    x = x.float()
    spread, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(spread + 1e-5)
