# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A residual network that says what a whole picture shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import build
from nightseg_ros.learning.network_config import ClassifierConfig
from nightseg_ros.learning.networks.registry import load_weights, read_checkpoint
from nightseg_ros.learning.networks.resnet import IMAGENET_MEAN, IMAGENET_STD, ResNet

CLASSIFIERS = {"resnet18_classifier": 18, "resnet50_classifier": 50, "resnet101_classifier": 101}


class Classifier(nn.Module):
    """Class scores (N, classes) of images (N, 3, H, W) in [0, 1], of any size."""

    stages = ("trunk.layer1", "trunk.layer2", "trunk.layer3", "trunk.layer4")
    stride = 1
    mean: Tensor
    std: Tensor

    def __init__(self, classes: int = 10, depth: int = 18, width: float = 1.0) -> None:
        super().__init__()
        self.trunk = ResNet(depth, width)
        self.head = nn.Linear(self.trunk.widths[-1], classes)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def features(self, x: Tensor) -> Tensor:
        """Return the last feature map, at 1/32 of the image."""
        maps: Tensor = self.trunk((x - self.mean) / self.std)[-1]
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Return the class scores."""
        scores: Tensor = self.head(self.features(x).mean((2, 3)))
        return scores


def create_classifier(config: ClassifierConfig) -> Classifier:
    """Return the classifier that `config` names."""
    if config.name not in CLASSIFIERS:
        raise NightsegError(
            f"classifier '{config.name}' is unknown; there are {', '.join(CLASSIFIERS)}"
        )
    return Classifier(config.classes, CLASSIFIERS[config.name], config.width)


def is_classifier(content: Any) -> bool:
    """Return whether a checkpoint's content is a classifier's."""
    return content["network"].get("name") in CLASSIFIERS


def load_classifier(path: Path) -> tuple[Classifier, ClassifierConfig, Any]:
    """Return a classifier with its weights, its description, and how it was trained."""
    content = read_checkpoint(path)
    if not is_classifier(content):
        raise NightsegError(
            f"{path} holds a {content['network'].get('name')}, need one of {', '.join(CLASSIFIERS)}"
        )
    config = build(ClassifierConfig, content["network"], str(path))
    network = create_classifier(config)
    load_weights(network, content["state"], path)
    return network.eval(), config, content.get("about", {})
