# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training the head that weighs two segmentation networks, which themselves stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.fused.config import FusedConfig
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.network_config import NetworkConfig
from nightseg_ros.learning.networks.fused import Fused
from nightseg_ros.learning.networks.registry import labels_of, load_checkpoint, require_labels

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nightseg_ros.learning.networks.segmenter import Segmenter
    from nightseg_ros.learning.tensor_set import Frames, Sets


class FusedModule(SegmentationModule):
    """The segmentation recipe for two networks at once.

    Each channel alone and the plain mean of both are measured on the validation sets as well: what
    the fusion has to beat stands beside it.
    """

    network: Fused
    average: Fused

    def __init__(self, config: FusedConfig, train: Frames, validation: Sets) -> None:
        first = Path(config.channels[0])
        require_labels(f"recipe {config.name}: channel", first, config.label_set)
        network, described = fuse(config.channels, frozen=config.frozen)
        super().__init__(replace(config, network=described), train, validation, network)
        if config.frozen:
            self.average.channels = network.channels  # they never differ
        # No part of this module, so that no checkpoint holds them.
        self._alone = self._measured_alone(config)
        self._found: dict[str, Tensor] = {}

    def _measured_alone(self, config: FusedConfig) -> dict[str, Segmenter]:
        """Return the channels as they were, and their plain mean."""
        first, second = (load_checkpoint(Path(path))[0] for path in config.channels)
        mean = Fused([first, second], self.config.network.classes).eval()
        return {"first": first, "second": second, "mean": mean}

    def setup(self, stage: str) -> None:
        """Move frames and networks to the device once, before the first step."""
        super().setup(stage)
        self._alone["mean"].to(self.device)  # which holds both channels

    def validation_step(self, index: Tensor, _batch: int) -> None:
        """Log the mIoU of the fusion, and once measured, always those of what it must beat."""
        super().validation_step(index, _batch)
        name = list(self._validation)[int(index)]
        for what, network in self._alone.items():
            key = f"miou_{what}/{name}"
            if key not in self._found:
                self._found[key] = self.measure(name, network)
            self.log(key, self._found[key], batch_size=1)

    def trained_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that are not frozen."""
        return [p for p in self.network.parameters() if p.requires_grad]


def fuse(checkpoints: Sequence[str], *, frozen: bool = True) -> tuple[Fused, NetworkConfig]:
    """Return the fusion of trained networks, which starts as their plain mean, and what it is."""
    first, *others = map(Path, checkpoints)
    labels = labels_of(first)
    for path in others:
        require_labels("networks of one label set can be fused;", path, labels)
    loaded = [load_checkpoint(path) for path in (first, *others)]
    config = NetworkConfig(
        "fused", classes=labels.count, channels=tuple(config for _, config, _ in loaded)
    )
    return Fused([network for network, _, _ in loaded], labels.count, frozen=frozen), config


METHOD = Method(FusedConfig, partial(train_network, FusedModule))
