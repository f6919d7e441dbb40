# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which segmentation network, how large, and which of the keys that say so it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.keys import Keys, key
from nightseg_ros.learning.limits import above, at_least, one_of, share_below_one, within
from nightseg_ros.learning.networks import families


@dataclass(frozen=True)
class NetworkConfig(Keys, subject="network."):
    """Which network, and how large; a key that it does not have must be left as it is."""

    name: str = key("which network", "erf_pspnet", lambda: one_of(families()))
    width: float = key("factor on the number of channels", 1.0, above(0))
    classes: int = key("number of classes, that of `labels`", 19, within(1, 255))
    dropout: float = key("share of channels that are dropped in training", 0.05, share_below_one())
    pretrained: bool | None = key(
        "start from ImageNet weights (efficientnet_fpn*); left out: true", None
    )
    weights: str = key("file of ImageNet weights for the ResNet of the network; none = fresh", "")
    channels: tuple[NetworkConfig, ...] = key("the two networks that `fused` is made of", ())
    ciconv: bool = key("the network sees the colour invariant W in place of the image", False)
    auxiliary: bool = key(
        "a second output, from the layer before the last (deeplab_v3plus*)", False
    )

    def check(self) -> None:
        """Refuse values that do not go together."""
        used = used_keys(self.name)
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name not in used and value != entry.default:
                raise NightsegError(
                    f"network.{entry.name} is {value!r}, but {self.name} has no such key; leave "
                    f"it out, or use {', '.join(key for key in used if key != 'name')}"
                )

    def described(self) -> dict[str, Any]:
        """Return what the network is, without keys that mean nothing to it."""
        found = {key: getattr(self, key) for key in used_keys(self.name)}
        if "pretrained" in found:
            found["pretrained"] = self.pretrained is not False
        if "channels" in found:
            found["channels"] = [channel.described() for channel in self.channels]
        return found


def used_keys(name: str) -> tuple[str, ...]:
    """Return the keys that a network has."""
    return ("name", "classes", *families()[name].keys, "ciconv")


def without_unused_keys(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description in a checkpoint without what older versions recorded for nothing."""
    name = str(described.get("name", NetworkConfig.name))
    if name not in families():
        return dict(described)
    unused = {entry.name for entry in fields(NetworkConfig)} - set(used_keys(name))
    kept = {key: value for key, value in described.items() if key not in unused}
    if "channels" in kept:
        kept["channels"] = [without_unused_keys(channel) for channel in kept["channels"]]
    return kept


@dataclass(frozen=True)
class ClassifierConfig(Keys, subject="network."):
    """Which classifier, and how wide."""

    name: str = key("which classifier", "resnet18_classifier")
    classes: int = key("number of classes, those in the folder", 10, at_least(1))
    width: float = key("factor on the number of channels", 1.0, above(0))
