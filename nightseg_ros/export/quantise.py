# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Quantises a graph to int8 after training, with ranges from real frames.

Weights have one scale per output channel. The first and the last convolutions, and all nodes before
and after them, stay in floats: they are a hundredth of the work, and would cost the most accuracy.
So does a depthwise convolution right behind the first one: its channels differ in range by orders
of magnitude, and of an EfficientNet it alone costs as much as all other layers together.

There are two kinds, because engines differ. For CPUs activations are uint8 from 0, the range of a
ReLU, and weights use 7 of their 8 bits: processors with AVX2 or AVX-512 but without VNNI add two
products in 16 bits, where 8 bits would silently overflow. TensorRT supports only signed, symmetric
int8, with the ReLU in place and the bias in floats; on a CPU that is slow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import onnx
from onnx import ModelProto, NodeProto

from nightseg_ros.engines.graph_check import INPUT
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.open_graph import OpenGraph, attribute
from nightseg_ros.files.atomic import scratch_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST_FRAMES = 16
"""Fewer frames are too few for the ranges of a network for day and night."""

QUANTISED = ["Add", "Concat", "Conv", "ConvTranspose", "MaxPool", "Relu"]


def to_int8(
    model: ModelProto,
    frames: Sequence[NDArray[np.uint8]],
    *,
    symmetric: bool = False,
    on_frame: Callable[[], object] = lambda: None,
) -> ModelProto:
    """Return the fp32 graph `model` in int8, with ranges from `frames` (RGB of its input size).

    Its nodes must have names. `symmetric` is for TensorRT. `on_frame` is called after each frame.
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
    with scratch_folder("int8") as folder, _quiet():
        source, target = folder / "fp32.onnx", folder / "int8.onnx"
        onnx.save(model, source)
        quantize_static(
            str(source),
            str(target),
            _Reader(frames, on_frame),
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
    """Return the nodes that are not between two convolutions, and the first depthwise one."""
    graph = OpenGraph(model)
    behind: set[str] = set()
    stem: set[str] = set()  # what the first convolutions make, before a second one
    depthwise: set[str] = set()
    for node in graph.nodes:
        known = behind.intersection(node.input)
        if node.op_type.startswith("Conv"):
            behind.update(node.output)
            if not known:
                stem.update(node.output)
            elif stem.intersection(node.input) and _is_depthwise(node):
                depthwise.add(node.name)
        elif known:
            behind.update(node.output)
            if stem.intersection(node.input):
                stem.update(node.output)
    before: set[str] = set()
    for node in reversed(graph.nodes):
        if node.op_type.startswith("Conv") or before.intersection(node.output):
            before.update(node.input)
    return [
        node.name
        for node in graph.nodes
        if node.name in depthwise
        or not (behind.intersection(node.input) and before.intersection(node.output))
    ]


def _is_depthwise(conv: NodeProto) -> bool:
    """Return whether a convolution filters channels one by one; a factor for each is no filter."""
    return bool(attribute(conv, "group", 1) > 1 and max(attribute(conv, "kernel_shape", [1])) > 1)


class _Reader:
    """Gives the frames to the calibrator one by one, then None."""

    def __init__(self, frames: Sequence[NDArray[np.uint8]], on_frame: Callable[[], object]) -> None:
        self._frames = iter(frames)
        self._on_frame = on_frame

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the next input."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        self._on_frame()
        return {INPUT: frame[None]}

    def __iter__(self) -> Iterator[dict[str, NDArray[np.uint8]]]:
        while (item := self.get_next()) is not None:
            yield item


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the quantiser's advice, which does not apply to our graphs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
