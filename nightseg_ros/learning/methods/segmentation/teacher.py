# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads the network whose scores a training is to match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.networks.registry import load_checkpoint, require_labels

if TYPE_CHECKING:
    from nightseg_ros.learning.methods.segmentation.config import TrainConfig
    from nightseg_ros.learning.networks.segmenter import Segmenter


def load_teacher(config: TrainConfig) -> Segmenter:
    """Return the teacher, frozen, or refuse its classes or its views."""
    path = Path(config.teacher)
    teacher = load_checkpoint(path)[0]
    require_labels(f"recipe {config.name}: teacher", path, config.label_set)
    if any(side % teacher.stride for side in config.view):
        raise NightsegError(
            f"recipe {config.name}: view is {config.view}; teacher {path} needs multiples of "
            f"{teacher.stride}"
        )
    untyped: Any = teacher.requires_grad_(False)
    untyped.to(memory_format=torch.channels_last)
    return teacher
