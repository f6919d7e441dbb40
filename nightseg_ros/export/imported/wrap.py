# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Wraps a graph of any origin into ours: bytes of an image in, bytes of mask and confidence out.

As in graph.py, the scores are upsampled before the arg-max, and the confidence is computed at the
network's own resolution and upsampled then. Bytes are cast from and to floats only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, compose, helper

from nightseg_ros.engines.graph_check import CLASSES_KEY, INPUT, PRECISION_KEY
from nightseg_ros.engines.image_input import ImageInput, precision_of
from nightseg_ros.errors import NightsegError, last_line
from nightseg_ros.export.imported.mask_output import (
    BINARY,
    BINARY_LOGITS,
    IDS,
    LOGITS,
    PROBABILITIES,
    SIGMOID,
    MaskOutput,
)
from nightseg_ros.export.open_graph import OpenGraph, attribute
from nightseg_ros.export.opset import resize_factors, tidy
from nightseg_ros.labels.label_set import IGNORE, LabelSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.export.imported.normalisation import Normalisation

PREFIX = "network/"
AXES_ARE_INPUTS = 18
"""The opset from which on the axes of ReduceMax are an input."""
MASK, CONFIDENCE = "mask", "confidence"
_LINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
_NEAREST = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}


class Wrapped(NamedTuple):
    """An ONNX file, and in words where its confidence comes from."""

    onnx: bytes
    confidence: str


def wrap(
    model: ModelProto,
    image: ImageInput,
    size: tuple[int, int],
    normalisation: Normalisation,
    output: MaskOutput,
    labels: LabelSet,
) -> Wrapped:
    """Return the graph `model` in the form that a model folder contains."""
    facts = {PRECISION_KEY: precision_of(model.graph), CLASSES_KEY: str(labels.count)}
    inner = compose.add_prefix(model, PREFIX)
    graph = _Graph(inner, size)
    taken = graph.normalised(normalisation, image)
    for node in graph.nodes:
        node.input[:] = [taken if n == PREFIX + image.input else n for n in node.input]
    graph.nodes = [*graph.added, *graph.nodes]
    graph.added = []
    graph.maps(output, labels)
    graph.nodes = [*graph.nodes, *graph.added]
    graph.outputs = [MASK, CONFIDENCE]
    graph.write()
    _declare(inner, size)
    _drop_unused(inner)
    try:
        tidy(inner, facts)
    except Exception as error:  # the checker of onnx has no narrower base
        raise NightsegError(
            f"the wrapped graph is not valid ONNX ({last_line(error)}); export the network with "
            "fixed shapes and another opset"
        ) from error
    return Wrapped(inner.SerializeToString(), graph.confidence)


class _Graph(OpenGraph):
    """The graph while nodes are added to it."""

    def __init__(self, model: ModelProto, size: tuple[int, int]) -> None:
        super().__init__(model)
        self.size = size
        self.opset = max(e.version for e in model.opset_import if e.domain in ("", "ai.onnx"))
        self.added: list[NodeProto] = []
        self.confidence = ""

    def add(self, kind: str, *inputs: str | NDArray[Any], name: str = "", **attributes: Any) -> str:
        """Add a node; arrays among its inputs become constants. Return its output."""
        out = name or f"{kind.lower()}_{len(self.added)}_{len(self.nodes)}"
        names = [
            self.constant(f"{out}_{place}", value) if isinstance(value, np.ndarray) else value
            for place, value in enumerate(inputs)
        ]
        self.added.append(helper.make_node(kind, names, [out], out, **attributes))
        return out

    def normalised(self, normalisation: Normalisation, image: ImageInput) -> str:
        """Add what the network wants done to the bytes of an image."""
        x = INPUT
        floats = image.type != "uint8"
        if floats or self._casts_to_float(PREFIX + image.input):
            x = self.add("Cast", x, to=TensorProto.FLOAT)
        if normalisation.bgr:
            x = self.add("Gather", x, np.array([2, 1, 0]), axis=3)
        if floats:
            factor, shift = normalisation.factor_and_shift()
            x = self.add("Mul", x, factor) if (factor != 1).any() else x
            x = self.add("Add", x, shift) if shift.any() else x
        return self.add("Transpose", x, perm=[0, 3, 1, 2]) if image.channels_first else x

    def _casts_to_float(self, name: str) -> bool:
        """Return whether floats can be given in place of bytes, which are only cast to floats."""
        uses = [node for node in self.nodes if name in node.input]
        return all(
            node.op_type == "Cast" and attribute(node, "to", 0) == TensorProto.FLOAT
            for node in uses
        )

    def maps(self, output: MaskOutput, labels: LabelSet) -> None:
        """Add what makes mask and confidence of an output."""
        x = PREFIX + output.name
        if output.kind == IDS:
            mask, sure = self._of_ids(x, output)
        else:
            mask, sure = self._of_scores(x, output)
        if labels.void:
            table = np.arange(256, dtype=np.float32)
            table[list(labels.void)] = IGNORE
            mask = self.add("Gather", table, self.add("Cast", mask, to=TensorProto.INT64), axis=0)
        self.add("Cast", mask, name=MASK, to=TensorProto.UINT8)
        self.add("Cast", sure, name=CONFIDENCE, to=TensorProto.UINT8)

    def _of_ids(self, x: str, output: MaskOutput) -> tuple[str, str]:
        """Ids that no byte can hold become one that no label set has: the node refuses it."""
        cast = self.maker(x, "Cast")  # to bytes; TensorRT casts them from floats only
        ids = self.add("Cast", x if cast is None else cast.input[0], to=TensorProto.FLOAT)
        ids = self.add("Reshape", ids, np.array([1, 1, *output.map_size]))
        ids = self._resized(ids, output.map_size, _NEAREST)
        wrong = np.array(IGNORE - 1, np.float32)
        for kind, limit in (("Less", 0.0), ("Greater", float(IGNORE))):
            beyond = self.add(kind, ids, np.array(limit, np.float32))
            ids = self.add("Where", beyond, wrong, ids)
        ids = self._squeezed(ids)
        behind = self._scores_behind(x)
        if behind is not None:
            self.confidence = "the soft-max of the scores before its arg-max"
            return ids, self._confidence(*behind)
        self.confidence = "none: it returns ids only, so it is 255 everywhere"
        nothing = self.add("Mul", ids, np.array(0.0, np.float32))
        return ids, self.add("Add", nothing, np.array(255.0, np.float32))

    def _scores_behind(self, ids: str) -> tuple[str, tuple[int, int], str] | None:
        """Return scores, their size and kind where an arg-max over them made the ids."""
        node = self.maker(ids)
        while node is not None and node.op_type in ("Cast", "Identity", "Squeeze", "Unsqueeze"):
            node = self.maker(node.input[0])
        if node is None or node.op_type != "ArgMax" or attribute(node, "axis", 0) not in (1, -3):
            return None
        shape = self.shape_of(node.input[0])
        kind = PROBABILITIES if self.maker(node.input[0], "Softmax") is not None else LOGITS
        return None if shape is None else (node.input[0], (shape[2], shape[3]), kind)

    def _of_scores(self, x: str, output: MaskOutput) -> tuple[str, str]:
        if output.type != "float32":
            x = self.add("Cast", x, to=TensorProto.FLOAT)
        if output.channels_last:
            x = self.add("Transpose", x, perm=[0, 3, 1, 2])
        if len(output.shape) != 4:
            x = self.add("Reshape", x, np.array([1, 1, *output.map_size]))
        full = self._resized(x, output.map_size, _LINEAR)
        if output.kind in BINARY:
            threshold = np.array(0.5 if output.kind == SIGMOID else 0.0, np.float32)
            mask = self._squeezed(self.add("Greater", full, threshold))
        else:
            mask = self.add("ArgMax", full, axis=1, keepdims=0)
        mask = self.add("Cast", mask, to=TensorProto.FLOAT)
        self.confidence = "the largest of its probabilities"
        own, size = x, output.map_size
        if output.kind == LOGITS:
            self.confidence = "the soft-max of its scores"
            own, size = self._own_resolution(x, output)
        return mask, self._confidence(own, size, output.kind)

    def _confidence(self, scores: str, size: tuple[int, int], kind: str) -> str:
        """Add the largest probability, 0 to 255, computed at the size of the scores."""
        if kind in BINARY:
            on = self.add("Sigmoid", scores) if kind == BINARY_LOGITS else scores
            sure = self.add("Max", on, self.add("Sub", np.array(1.0, np.float32), on))
        else:
            sure = self.add("Softmax", scores, axis=1) if kind == LOGITS else scores
            if self.opset < AXES_ARE_INPUTS:
                sure = self.add("ReduceMax", sure, axes=[1], keepdims=1)
            else:
                sure = self.add("ReduceMax", sure, np.array([1]), keepdims=1)
        sure = self._squeezed(self._resized(sure, size, _LINEAR))
        sure = self.add("Mul", sure, np.array(255.0, np.float32))
        limits = (np.array(0.0, np.float32), np.array(255.0, np.float32))
        return self.add("Clip", sure, *limits)

    def _own_resolution(self, x: str, output: MaskOutput) -> tuple[str, tuple[int, int]]:
        """Return the scores before the network itself upsampled them, where it did so last."""
        last = self.maker(x, "Resize")
        before = self.shape_of(last.input[0]) if last is not None else None
        if last is None or before is None or attribute(last, "mode", b"nearest") != b"linear":
            return x, output.map_size
        same = before[:2] == [1, output.channels]
        return (last.input[0], (before[2], before[3])) if same else (x, output.map_size)

    def shape_of(self, name: str) -> list[int] | None:
        """Return the shape of a tensor with four sides, where it is known."""
        for value in self.model.graph.value_info:
            if value.name == name:
                sides = [side.dim_value for side in value.type.tensor_type.shape.dim]
                return sides if len(sides) == 4 and all(sides) else None
        return None

    def _resized(self, x: str, own: tuple[int, int], how: dict[str, str]) -> str:
        if own == self.size:
            return x
        factors = resize_factors(np.array([1, 1, *own]), np.array([1, 1, *self.size]))
        return self.add("Resize", x, "", factors, **how)

    def _squeezed(self, x: str) -> str:
        return self.add("Squeeze", x, np.array([1]))


def _declare(model: ModelProto, size: tuple[int, int]) -> None:
    """Declare inputs and outputs of the contract."""
    graph = model.graph
    del graph.input[:], graph.output[:]
    byte, shape = TensorProto.UINT8, [1, *size]
    graph.input.append(helper.make_tensor_value_info(INPUT, byte, [*shape, 3]))
    for name in (MASK, CONFIDENCE):
        graph.output.append(helper.make_tensor_value_info(name, byte, shape))


def _drop_unused(model: ModelProto) -> None:
    """Remove nodes that only the other outputs of the network needed."""
    needed = {MASK, CONFIDENCE}
    kept = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))
    constants = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
