# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a graph of any origin takes: images, as bytes or floats, channels first or last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightseg_ros.errors import NightsegError

CHANNELS = (1, 3, 4)
TYPES = ("uint8", "float16", "float32")
QUANTISED = {"QuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}

POINTWISE = ("Add", "Cast", "Div", "Identity", "Mul", "Sub", "Transpose")
"""What may lie between the input and the first convolution."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ImageInput:
    """The one input of a graph, NCHW or NHWC."""

    input: str
    type: str
    shape: Shape
    """As declared; 0 where any number will do."""
    free: tuple[str, ...]
    """The names of these free sides, where they have one, else empty."""
    channels_first: bool

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width where both are fixed."""
        height, width = self.shape[2:] if self.channels_first else self.shape[1:3]
        return (height, width) if height and width else None

    def at(self, size: tuple[int, int], batch: int) -> Shape:
        """Return the shape of its input for so many images of this (height, width)."""
        channels = self.shape[1 if self.channels_first else 3]
        wanted = (batch, channels, *size) if self.channels_first else (batch, *size, channels)
        if any(own not in (0, side) for own, side in zip(self.shape, wanted, strict=True)):
            raise NightsegError(f"it is exported for {shape_text(self.shape)}")
        return wanted

    def __str__(self) -> str:
        """Return name, type and shape for people."""
        return f"{self.input}, {self.type} {shape_text(self.shape)}"


def image_input(graph: Any, name: str) -> ImageInput:
    """Return what the ONNX graph called `name` takes, or refuse it."""
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise NightsegError(f"{name} has {len(inputs)} inputs ({names}); export it with one")
    tensor = inputs[0].type.tensor_type
    sides = tensor.shape.dim
    shape = tuple(side.dim_value for side in sides)
    if len(shape) == 4 and not {shape[1], shape[3]}.intersection(CHANNELS):
        shape = _with_channels(graph, inputs[0].name, shape)
    first, last = (len(shape) == 4 and shape[axis] in CHANNELS for axis in (1, 3))
    free = tuple(side.dim_param for side in sides)
    found = ImageInput(inputs[0].name, type_name(tensor.elem_type), shape, free, first)
    if found.type not in TYPES or not (first or last):
        raise NightsegError(
            f"{name} takes {found}; export it for images: {', '.join(TYPES)} of NCHW or NHWC with "
            "1, 3 or 4 channels"
        )
    return found


def _with_channels(graph: Any, name: str, shape: Shape) -> Shape:
    """Return a shape with the channels that the first convolution takes, where they are free.

    Some exporters leave all four sides of the input free.
    """
    kernels = {tensor.name: tensor.dims for tensor in graph.initializer}
    axis = 1
    while True:
        uses = [node for node in graph.node if name in node.input]
        conv = next((node for node in uses if node.op_type == "Conv"), None)
        if conv is not None:
            groups = next((entry.i for entry in conv.attribute if entry.name == "group"), 1)
            kernel = kernels.get(conv.input[1], ())
            if len(kernel) != 4 or shape[axis]:
                return shape
            return (*shape[:axis], kernel[1] * groups, *shape[axis + 1 :])
        node = next((node for node in uses if node.op_type in POINTWISE), None)
        if node is None:
            return shape
        if node.op_type == "Transpose":
            axis = 3
        name = node.output[0]


def shape_text(shape: Shape) -> str:
    """Return a shape for people.

    >>> shape_text((0, 3, 272, 480))
    '?x3x272x480'
    """
    return "x".join(str(side or "?") for side in shape)


def type_name(number: int) -> str:
    """Return the type of the elements of a tensor, by its number in ONNX."""
    from onnx.helper import tensor_dtype_to_np_dtype

    try:
        return str(tensor_dtype_to_np_dtype(number)) if number else "no tensor"
    except KeyError:
        return f"type {number}"


def precision_of(graph: Any) -> str:
    """Return int8 or fp16 where an ONNX graph contains such arithmetic, else fp32."""
    from onnx import TensorProto

    if any(node.op_type in QUANTISED for node in graph.node):
        return "int8"
    half = any(tensor.data_type == TensorProto.FLOAT16 for tensor in graph.initializer)
    return "fp16" if half else "fp32"
