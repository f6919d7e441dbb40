# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks with random weights, for benches: what is computed does not change how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx
from nightseg_ros.learning.config import build
from nightseg_ros.learning.darkenings import SHAPE
from nightseg_ros.learning.network_config import NetworkConfig, without_unused_keys
from nightseg_ros.learning.networks.create_generator import create_generator
from nightseg_ros.learning.networks.darkening import CURVE_RECIPES, Darkening, FixedExposure
from nightseg_ros.learning.networks.registry import create_network
from nightseg_ros.learning.networks.segmenter import Segmenter


def random_network(architecture: Mapping[str, Any]) -> nn.Module:
    """Return the network that a checkpoint or model.yaml describes."""
    torch.manual_seed(0)
    if architecture.get("kind") in CURVE_RECIPES:
        level = float(architecture["apply_at"])
        return FixedExposure(Darkening(**{key: architecture[key] for key in SHAPE}), level).eval()
    if "kind" in architecture:
        kind, filters, blocks = (architecture.get(key) for key in ("kind", "filters", "blocks"))
        if not isinstance(filters, int) or not isinstance(blocks, int):
            raise NightsegError(f"a translator of {filters!r} filters, {blocks!r} blocks; need two")
        return create_generator(str(kind), filters, blocks).eval()
    config = build(NetworkConfig, without_unused_keys(architecture), "network")
    return create_network(config, fresh=True).eval()


def random_onnx(architecture: Mapping[str, Any], size: tuple[int, int]) -> bytes:
    """Return such a network as the ONNX graph of a model folder, for images of one size."""
    network = random_network(architecture)
    if not isinstance(network, Segmenter):
        return translation_onnx(network, size)
    return segmentation_onnx(network, size, int(architecture.get("classes", 19)))
