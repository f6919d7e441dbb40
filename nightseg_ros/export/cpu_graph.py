# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Exports a checkpoint, counts its cost, and runs it in ONNX Runtime on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.translate import load_generator


@dataclass(frozen=True)
class CpuGraph:
    """An exported network on the processor."""

    onnx: bytes
    parameters: int
    session: onnxruntime.InferenceSession

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the first output for one image of the graph's size: mask or translation."""
        return np.asarray(self.session.run(None, {"image": image[None]})[0][0], np.uint8)


def segmentation_graph(path: Path, size: tuple[int, int]) -> CpuGraph:
    """Export the segmentation network in `path` for `size` (height, width)."""
    network, config, _ = load_checkpoint(path)
    parameters = sum(p.numel() for p in network.parameters())
    return _graph(segmentation_onnx(network, size, config.classes), parameters)


def translation_graph(path: Path, size: tuple[int, int]) -> CpuGraph:
    """Export the generator in `path` for `size` (height, width)."""
    generator = load_generator(path)
    parameters = sum(p.numel() for p in generator.parameters())
    return _graph(translation_onnx(generator, size), parameters)


def _graph(onnx: bytes, parameters: int) -> CpuGraph:
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    return CpuGraph(onnx, parameters, session)
