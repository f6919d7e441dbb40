# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A distance between images that sees content and not light: instance-normalised features.

The features are VGG16's where the user has its weights in a file, else those of our own day model:
trained on day frames alone, it knows streets, which is what a translation has to keep.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.image_features import SegmenterFeatures
from nightseg_ros.learning.networks.registry import load_checkpoint

VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
"""Channels of the 3x3 convolutions up to relu5_3; 0 halves the size."""

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


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
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 512, H/16, W/16)."""
        y: Tensor = self.features((x - self.mean) / self.std)
        return y


def load_features(path: Path) -> nn.Module:
    """Return the frozen feature network in `path`: VGG16 weights, or a segmentation checkpoint."""
    content = _read(path)
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


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise NightsegError(
            f"there is no perceptual network {path}; name a file of VGG16 weights (torchvision's "
            "vgg16), or a checkpoint of a day model, or set perceptual=0"
        ) from error
    except Exception as error:  # damaged files fail in more ways than torch has names for
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise NightsegError(f"{path} holds no weights ({reason})") from error
    if not isinstance(content, dict):
        raise NightsegError(f"{path} holds a {type(content).__name__}, need a table of weights")
    return content


def normalised_distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean squared distance of instance-normalised features.

    Without their mean and spread per channel, features say what is where and not how bright it is.
    """
    return (_normalised(a) - _normalised(b)).square().mean()


def _normalised(x: Tensor) -> Tensor:
    x = x.float()
    spread, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(spread + 1e-5)
