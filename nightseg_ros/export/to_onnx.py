# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Exports a trained network as ONNX bytes, and checks them against the network."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch
from torch import nn

from nightseg_ros.engines.graph_check import CLASSES_KEY, PRECISION_KEY
from nightseg_ros.engines.parity import FP32
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.fold import fold_batch_norms
from nightseg_ros.export.graph import SegmentationGraph, TranslationGraph, fix_pooling
from nightseg_ros.export.opset import FROM_OPSET, free_batch, lower_opset, scale_resizes, tidy

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter

LEAST_EQUAL = 0.999


def segmentation_onnx(
    network: Segmenter, size: tuple[int, int], classes: int = 19, *, any_batch: bool = False
) -> bytes:
    """Return the ONNX graph of a segmentation network for images of `size` (height, width)."""
    if any(side % network.stride for side in size):
        raise NightsegError(
            f"export size {size[1]}x{size[0]}: both sides must be multiples of {network.stride}"
        )
    network.eval()
    fix_pooling(network, *size)
    graph = SegmentationGraph(network).eval()
    facts = {CLASSES_KEY: str(classes)}
    return _export(graph, size, ("mask", "confidence"), facts, any_batch=any_batch)


def translation_onnx(
    generator: nn.Module, size: tuple[int, int], *, any_batch: bool = False
) -> bytes:
    """Return the ONNX graph of a translator for images of `size` (height, width)."""
    if any(side % 4 for side in size):
        raise NightsegError(f"export size {size[1]}x{size[0]}: both sides must be multiples of 4")
    graph = TranslationGraph(generator.eval()).eval()
    return _export(graph, size, ("translated",), {}, any_batch=any_batch)


def _export(
    graph: nn.Module,
    size: tuple[int, int],
    outputs: tuple[str, ...],
    facts: dict[str, str],
    *,
    any_batch: bool,
) -> bytes:
    example = torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            (example,),
            input_names=["image"],
            output_names=list(outputs),
            opset_version=FROM_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    lower_opset(model)
    scale_resizes(model)
    fold_batch_norms(model)
    if any_batch:
        free_batch(model)
    tidy(model, {PRECISION_KEY: FP32, **facts})
    data: bytes = model.SerializeToString()
    _compare(graph, data, size)
    return data


def _compare(graph: nn.Module, data: bytes, size: tuple[int, int]) -> None:
    """Refuse an export whose bytes differ from the network's on a smooth random image."""
    seed = np.random.default_rng(0).integers(0, 256, (1, 9, 16, 3), np.uint8)
    smooth = torch.from_numpy(seed).permute(0, 3, 1, 2).float()
    image = nn.functional.interpolate(smooth, size, mode="bicubic").clamp(0, 255)
    image = image.to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    with torch.inference_mode():
        expected = graph(image)
    expected = expected if isinstance(expected, tuple) else (expected,)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for want, got in zip(expected, session.run(None, {"image": image.numpy()}), strict=True):
        near = np.abs(want.numpy().astype(int) - got.astype(int)) <= (1 if got.ndim == 4 else 0)
        equal = float(near.mean()) if want.ndim == 4 or want is expected[0] else 1.0
        if got.shape != want.shape or equal < LEAST_EQUAL:
            raise NightsegError(
                f"the exported graph equals the network on {equal:.2%} of the pixels only, need "
                f"{LEAST_EQUAL:.1%}; nothing was written"
            )
