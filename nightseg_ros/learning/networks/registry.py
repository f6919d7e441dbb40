# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks by name, and checkpoints that say which network they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import atomic_file
from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet
from nightseg_ros.learning.config import as_plain, build
from nightseg_ros.learning.network_config import (
    ClassifierConfig,
    NetworkConfig,
    without_unused_keys,
)
from nightseg_ros.learning.networks import families
from nightseg_ros.learning.networks.ciconv import BehindInvariant
from nightseg_ros.learning.networks.exported import take_exported_weights

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter


def create_network(config: NetworkConfig, *, fresh: bool = False) -> Segmenter:
    """Return the segmentation network that `config` names.

    A `fresh` one reads no ImageNet weights, since those of a checkpoint will replace them.
    """
    if config.ciconv:
        return BehindInvariant(create_network(replace(config, ciconv=False), fresh=fresh))
    family = families()[config.name]
    if fresh:
        without: dict[str, Any] = {"weights": "", "pretrained": False}
        config = replace(config, **{key: without[key] for key in without if key in family.keys})
    network: Segmenter = family.build(config)
    return network


def save_checkpoint(
    path: Path,
    network: nn.Module,
    config: NetworkConfig | ClassifierConfig,
    about: Any,
    labels: LabelSet = CITYSCAPES19,
) -> None:
    """Write weights with the description of their network, its classes, and how they came to be."""
    content = {"network": as_plain(config), "state": network.state_dict(), "about": about}
    if isinstance(config, NetworkConfig):
        content["labels"] = labels.to_dict()
    write_checkpoint(path, content)


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain data and tensors, whole or not at all."""
    # To a file, not a path: torch writes the name of a path into the content, here a random one.
    with atomic_file(path) as place, place.open("wb") as file:
        torch.save(dict(content), file)


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Return the content of a checkpoint, or that of a model folder as if it were one.

    Only plain data and tensors are ever unpickled.
    """
    if path.is_dir():
        return _read_model_folder(path)
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


def _read_model_folder(folder: Path) -> Mapping[str, Any]:
    """Return what a checkpoint of the network in a model folder would hold."""
    bundle = Bundle.load(folder, verify=False)
    described = bundle.training.get("network")
    if bundle.labels is None or not isinstance(described, dict):
        raise NightsegError(
            f"{folder} names no network of nightseg (training.network in its model.yaml): it is "
            "a translator, or was made elsewhere; take the folder of a segmentation network"
        )
    config = build(NetworkConfig, without_unused_keys(described), str(folder))
    network = create_network(config, fresh=True)
    take_exported_weights(network, bundle.read_model(), str(folder))
    return {
        "network": as_plain(config),
        "state": network.state_dict(),
        "labels": bundle.labels.to_dict(),
        "about": {"model": bundle.name, "sha256": bundle.sha256},
    }


def load_checkpoint(path: Path) -> tuple[Segmenter, NetworkConfig, Any]:
    """Return the network with its weights, its description, and how it was trained."""
    content = read_checkpoint(path)
    config = build(NetworkConfig, without_unused_keys(content["network"]), str(path))
    network = create_network(config, fresh=True)
    load_weights(network, content["state"], path)
    return network.eval(), config, content.get("about", {})


def labels_of(path: Path) -> LabelSet:
    """Return the label set of a segmentation checkpoint; those without one are of Cityscapes."""
    return _labels_in(read_checkpoint(path), path)


def _labels_in(content: Mapping[str, Any], path: Path) -> LabelSet:
    labels = CITYSCAPES19
    if "labels" in content:
        labels = LabelSet.from_dict(content["labels"])
    if labels.count != content["network"].get("classes"):
        raise NightsegError(
            f"{path} has {content['network'].get('classes')} classes, label set {labels.name} has "
            f"{labels.count}; train it with `labels`"
        )
    return labels


def require_labels(where: str, path: Path, labels: LabelSet) -> None:
    """Refuse a checkpoint of another label set."""
    found = labels_of(path)
    if found != labels:
        raise NightsegError(
            f"{where} {path} has {found.count} classes of {found.name}, need {labels.count} of "
            f"{labels.name}; take a checkpoint of the same label set"
        )


def load_start(
    network: Segmenter, path: Path, config: NetworkConfig, labels: LabelSet = CITYSCAPES19
) -> None:
    """Load the weights to start from; `config` is that of the network, which is to have `labels`.

    The layers that give the classes stay as they are where the checkpoint has other classes. A
    network behind an invariant may have been trained bare.
    """
    content = read_checkpoint(path)
    bare = isinstance(network, BehindInvariant) and not content["network"].get("ciconv")
    part = network.get_submodule("network") if bare else network
    state = content["state"]
    if _labels_in(content, path).names != labels.names:
        own = part.state_dict()
        more = replace(config, classes=config.classes % 255 + 1, ciconv=config.ciconv and not bare)
        other = create_network(more, fresh=True).state_dict()
        state = {**state, **{key: own[key] for key in own if own[key].shape != other[key].shape}}
    load_weights(part, state, path)


def load_weights(network: nn.Module, state: Mapping[str, Any], path: Path) -> None:
    """Load weights, or refuse those of another network."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()[:120]
        raise NightsegError(
            f"{path} holds the weights of another network ({first}); "
            "set network.name and network.width as they were in its training"
        ) from error
