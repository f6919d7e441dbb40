# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks by name, and checkpoints that say which network they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import NetworkConfig, build
from nightseg_ros.learning.min_max_classifier_config import ClassifierConfig
from nightseg_ros.learning.networks.segmenter import Segmenter

NETWORKS = (
    "erf_pspnet",
    "efficientnet_fpn0",
    "efficientnet_fpn1",
    "efficientnet_fpn2",
    "panoptic_fpn18",
    "panoptic_fpn50",
    "panoptic_fpn101",
    "deeplab_v3plus18",
    "deeplab_v3plus50",
    "deeplab_v3plus101",
    "deeplab_v3plus_mobilenet",
    "fused",
)


def create_network(config: NetworkConfig) -> Segmenter:
    """Return the segmentation network that `config` names."""
    if config.ciconv:
        from nightseg_ros.learning.networks.ciconv import BehindInvariant

        return BehindInvariant(create_network(replace(config, ciconv=False)))
    if config.name == "erf_pspnet":
        from nightseg_ros.learning.networks.erf_pspnet import ErfPspNet

        return ErfPspNet(config.classes, config.width, config.dropout)
    if config.name.startswith("panoptic_fpn") and config.name in NETWORKS:
        from nightseg_ros.learning.networks.panoptic_fpn import PanopticFpn

        depth = int(config.name.removeprefix("panoptic_fpn"))
        weights = config.weights if config.pretrained else ""
        return PanopticFpn(config.classes, depth, config.width, weights)
    if config.name.startswith("deeplab_v3plus") and config.name in NETWORKS:
        from nightseg_ros.learning.networks.deeplab_v3plus import MOBILENET, DeepLabV3Plus

        trunk = config.name.removeprefix("deeplab_v3plus")
        depth = MOBILENET if trunk == "_mobilenet" else int(trunk)
        weights = config.weights if config.pretrained else ""
        return DeepLabV3Plus(
            config.classes, depth, config.width, weights, auxiliary=config.auxiliary
        )
    if config.name == "fused":
        from nightseg_ros.learning.networks.fused import Fused

        # Their weights come with those of the whole, so no ImageNet ones are fetched.
        parts = [create_network(replace(part, pretrained=False)) for part in config.channels]
        return Fused(parts, config.classes)
    if config.name in NETWORKS:
        from nightseg_ros.learning.networks.efficientnet_fpn import EfficientNetFpn

        return EfficientNetFpn(
            config.classes, variant=int(config.name[-1]), pretrained=config.pretrained
        )
    raise NightsegError(f"network '{config.name}' is unknown; there are {', '.join(NETWORKS)}")


def save_checkpoint(
    path: Path, network: nn.Module, config: NetworkConfig | ClassifierConfig, about: Any
) -> None:
    """Write weights with the description of their network and how they came to be."""
    state = network.state_dict()
    write_checkpoint(path, {"network": asdict(config), "state": state, "about": about})


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain data and tensors, whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(dict(content), partial)
    partial.replace(path)


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Return the content of a checkpoint; only plain data and tensors are ever unpickled."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise NightsegError(f"there is no checkpoint {path}") from error
    except Exception as error:  # damaged files fail in more ways than torch has names for
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise NightsegError(f"{path} is no checkpoint of nightseg ({reason})") from error
    if not isinstance(content, dict) or "network" not in content or "state" not in content:
        raise NightsegError(f"{path} is no checkpoint of nightseg: it names no network")
    return content


def load_checkpoint(path: Path) -> tuple[Segmenter, NetworkConfig, Any]:
    """Return the network with its weights, its description, and how it was trained."""
    content = read_checkpoint(path)
    # The weights replace the ImageNet ones, so these need not be there.
    config = build(NetworkConfig, {**content["network"], "pretrained": False}, str(path))
    network = create_network(config)
    load_weights(network, content["state"], path)
    return network.eval(), config, content.get("about", {})


def load_start(network: Segmenter, path: Path) -> None:
    """Load the weights to start from; a network behind an invariant may have been trained bare."""
    from nightseg_ros.learning.networks.ciconv import BehindInvariant

    content = read_checkpoint(path)
    bare = isinstance(network, BehindInvariant) and not content["network"].get("ciconv")
    load_weights(network.get_submodule("network") if bare else network, content["state"], path)


def load_weights(network: nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """Load weights, or say that they are another network's."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()[:120]
        raise NightsegError(
            f"{path} holds the weights of another network ({first}); "
            "set network.name and network.width as they were in its training"
        ) from error
