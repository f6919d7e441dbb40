# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks with random weights, for benches: what is computed does not change how long it takes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.export.graph import SegmentationGraph, fix_pooling
from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx
from nightseg_ros.learning.config import NetworkConfig, build
from nightseg_ros.learning.darkening_config import CURVE_RECIPES
from nightseg_ros.learning.networks.darkening import Darkening, FixedExposure
from nightseg_ros.learning.networks.generators import create_generator
from nightseg_ros.learning.networks.peers import PEERS, create_peer
from nightseg_ros.learning.networks.registry import create_network
from nightseg_ros.learning.networks.segmenter import Segmenter


def random_network(architecture: Mapping[str, Any]) -> nn.Module:
    """Return the network that a checkpoint or model.yaml describes, or a peer by its name."""
    torch.manual_seed(0)
    name = str(architecture.get("name"))
    if name in PEERS:
        return create_peer(name).eval()
    if architecture.get("kind") in CURVE_RECIPES:
        keys = ("curve", "rounds", "floor", "shrink", "gain")
        level = float(architecture["apply_at"])
        return FixedExposure(Darkening(*(architecture[key] for key in keys)), level).eval()
    if "kind" in architecture:
        kind, filters, blocks = (architecture.get(key) for key in ("kind", "filters", "blocks"))
        if not isinstance(filters, int) or not isinstance(blocks, int):
            raise NightsegError(f"a translator of {filters!r} filters, {blocks!r} blocks; need two")
        return create_generator(str(kind), filters, blocks).eval()
    config = build(NetworkConfig, {**architecture, "pretrained": False}, "network")
    return create_network(config).eval()


def random_onnx(architecture: Mapping[str, Any], size: tuple[int, int]) -> bytes:
    """Return such a network as the ONNX graph of a model folder, for images of one size."""
    network = random_network(architecture)
    if not isinstance(network, Segmenter):
        return translation_onnx(network, size)
    if architecture.get("name") in PEERS:
        return _peer_onnx(network, size)
    return segmentation_onnx(network, size, int(architecture.get("classes", 19)))


def _peer_onnx(network: Segmenter, size: tuple[int, int]) -> bytes:
    """Export as torch does it: a peer need not be read by every engine that we support."""
    if any(side % network.stride for side in size):
        raise NightsegError(
            f"size {size[1]}x{size[0]}: both sides must be multiples of {network.stride}"
        )
    fix_pooling(network, *size)
    example = torch.zeros((1, *size, 3), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            SegmentationGraph(network).eval(),
            (example,),
            input_names=["image"],
            output_names=["mask", "confidence"],
            opset_version=18,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    data: bytes = program.model_proto.SerializeToString()
    return data
