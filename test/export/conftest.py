# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Small networks, exported once for all tests of the export."""

from __future__ import annotations

import importlib.util

import pytest

SEGMENTER, LIGHT, RESNET = "erf_pspnet", "light", "resnet"
SIZES = {SEGMENTER: (72, 120), LIGHT: (48, 64), RESNET: (48, 64)}


@pytest.fixture(scope="session")
def torch_graphs():
    """Return name -> the graph in torch, of each kind of network that is shipped."""
    for needed in ("torch", "onnx", "onnxscript"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed: pip install '.[train]'")
    import torch

    from nightseg_ros.export.graph import SegmentationGraph, TranslationGraph, fix_pooling
    from nightseg_ros.learning.network_config import NetworkConfig
    from nightseg_ros.learning.networks.create_generator import create_generator
    from nightseg_ros.learning.networks.registry import create_network

    torch.manual_seed(0)
    network = create_network(NetworkConfig(width=0.25)).eval()
    for module in network.modules():  # as if trained: untrained ones normalise nothing
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.normal_(module.weight, 1, 0.5)  # some negative
            torch.nn.init.normal_(module.bias, 0, 0.2)
    fix_pooling(network, *SIZES[SEGMENTER])
    graphs = {SEGMENTER: SegmentationGraph(network)}
    for kind in (LIGHT, RESNET):
        graphs[kind] = TranslationGraph(create_generator(kind, 8, 1))
    torch.nn.init.normal_(graphs[LIGHT].generator.last.weight, 0, 0.05)
    return {name: graph.eval() for name, graph in graphs.items()}


@pytest.fixture(scope="session")
def exported(torch_graphs):
    """Return name -> the bytes of the fp32 ONNX for any batch."""
    from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx

    files = {SEGMENTER: segmentation_onnx(torch_graphs[SEGMENTER].network, SIZES[SEGMENTER])}
    for kind in (LIGHT, RESNET):
        generator = torch_graphs[kind].generator
        files[kind] = translation_onnx(generator, SIZES[kind], any_batch=True)
    return files
