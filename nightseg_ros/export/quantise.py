# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A graph in 8-bit whole numbers: quantised after training, from the ranges seen on real frames.

Weights have one scale per output channel. The first and the last convolutions, and all before and
behind them, stay in floats: they are a hundredth of the work, and cost the most accuracy.

Two kinds, because engines differ. For CPUs activations are uint8 from 0, which is what a ReLU
leaves, and weights use 7 of their 8 bits: processors with AVX2 or AVX-512 but without VNNI add two
products in 16 bits, and 8 bits would overflow there without a word. TensorRT reads signed,
symmetric int8 only, with the ReLU left where it is and the bias in floats; on a CPU that is slow.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from nightseg_ros.engines.graph_check import INPUT
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.open_graph import OpenGraph

LEAST_FRAMES = 16
"""From fewer frames the ranges of a network that sees streets by day and night are a guess."""

QUANTISED = ["Add", "Concat", "Conv", "ConvTranspose", "MaxPool", "Relu"]


def to_int8(
    model: ModelProto,
    frames: Sequence[NDArray[np.uint8]],
    *,
    symmetric: bool = False,
    seen: Callable[[], object] = lambda: None,
) -> ModelProto:
    """Return the fp32 graph `model` in int8, with ranges from `frames` (RGB of its input size).

    Its nodes have names. `symmetric` is for TensorRT. `seen` is called after each frame.
    """
    if len(frames) < LEAST_FRAMES:
        raise NightsegError(
            f"{len(frames)} calibration images, need at least {LEAST_FRAMES}, better 100 that show "
            "all the light the model will see; name a larger folder"
        )
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise NightsegError(
            f"the quantiser of ONNX Runtime cannot be imported ({error}); pip install '.[train]'"
        ) from error
    options: dict[str, object] = {"ActivationSymmetric": symmetric}
    if symmetric:
        options |= {"QuantizeBias": False, "AddQDQPairToWeight": True}
    with tempfile.TemporaryDirectory(prefix="nightseg_int8_") as folder, _quiet():
        source, target = Path(folder, "fp32.onnx"), Path(folder, "int8.onnx")
        onnx.save(model, source)
        quantize_static(
            str(source),
            str(target),
            _Reader(frames, seen),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED,
            per_channel=True,
            reduce_range=not symmetric,
            activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept_in_floats(model),
            extra_options=options,
        )
        return onnx.load(target)


def kept_in_floats(model: ModelProto) -> list[str]:
    """Return the nodes that are not behind one convolution and before another."""
    graph = OpenGraph(model)
    behind: set[str] = set()
    for node in graph.nodes:
        if node.op_type.startswith("Conv") or behind.intersection(node.input):
            behind.update(node.output)
    before: set[str] = set()
    for node in reversed(graph.nodes):
        if node.op_type.startswith("Conv") or before.intersection(node.output):
            before.update(node.input)
    return [
        node.name
        for node in graph.nodes
        if not (behind.intersection(node.input) and before.intersection(node.output))
    ]


class _Reader:
    """Hands the frames to the calibrator one by one; it asks until it gets None."""

    def __init__(self, frames: Sequence[NDArray[np.uint8]], seen: Callable[[], object]) -> None:
        self._frames = iter(frames)
        self._seen = seen

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next input."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        self._seen()
        return {INPUT: frame[None]}

    def __iter__(self) -> Iterator[dict[str, NDArray[np.uint8]]]:
        while (item := self.get_next()) is not None:
            yield item


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the advice of the quantiser, which is about graphs of other makers, off the screen."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
