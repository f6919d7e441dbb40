# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads a network of any origin, and refuses at once what no model folder can contain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from nightseg_ros.bundles.bundle import MAX_ONNX_BYTES
from nightseg_ros.bundles.onnx_file import has_external_weights
from nightseg_ros.engines.image_input import ImageInput, image_input
from nightseg_ros.errors import NightsegError, last_line
from nightseg_ros.files.regular import require_regular

STANDARD = ("", "ai.onnx")
RGB = 3


@dataclass(frozen=True)
class Network:
    """A network as it was exported elsewhere."""

    name: str
    data: bytes
    model: ModelProto
    """With the functions of the model itself in line; otherwise unchanged."""
    image: ImageInput

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.data).hexdigest()


def read_network(path: Path) -> Network:
    """Return the network in an ONNX file, or refuse it."""
    require_regular(path)
    if (size := path.stat().st_size) > MAX_ONNX_BYTES:
        raise NightsegError(
            f"{path} has {size} bytes, a model folder takes at most {MAX_ONNX_BYTES}; import a "
            "smaller network, or its weights in 16 bits"
        )
    data = path.read_bytes()
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # protobuf has no narrower base
        raise NightsegError(f"{path} is no ONNX file ({last_line(error)[:80]})") from error
    if has_external_weights(data):
        name, file = next(external_weights(model.graph), ("?", "?"))
        raise NightsegError(
            f"{path}: tensor '{name}' is not in the file but in '{file}' beside it, which no hash "
            'of a model folder covers; put it inside: python3 -c "import onnx; onnx.save('
            f"onnx.load('{path.name}'), 'whole.onnx')\""
        )
    if len(model.functions):
        model = _in_line(path, model)
    _check_names(path, model.graph)
    _check_operators(path, model.graph)
    image = image_input(model.graph, str(path))
    _check_image(path, image)
    return Network(path.name, data, model, image)


def external_weights(graph: GraphProto) -> Iterator[tuple[str, str]]:
    """Yield name and file of every tensor that is stored elsewhere."""
    tensors = [*graph.initializer, *(entry.t for node in graph.node for entry in node.attribute)]
    for tensor in tensors:
        if tensor.data_location == TensorProto.EXTERNAL:
            where = {entry.key: entry.value for entry in tensor.external_data}
            yield tensor.name, where.get("location", "?")


def _in_line(path: Path, model: ModelProto) -> ModelProto:
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # onnx has no narrower base
        raise NightsegError(
            f"{path}: its functions cannot be put in line ({last_line(error)}); export it without "
            "functions"
        ) from error


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """Yield all nodes, also those of graphs inside of nodes."""
    for node in graph.node:
        yield node
        for entry in node.attribute:
            if entry.type == AttributeProto.GRAPH:
                yield from _nodes(entry.g)


def _check_names(path: Path, graph: GraphProto) -> None:
    """Refuse names that are no text: protobuf reads them as bytes."""
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer, *graph.node)
    names = [value.name for value in values]
    names += [name for node in graph.node for name in (*node.input, *node.output, node.op_type)]
    for name in names:
        if not isinstance(name, str):
            raise NightsegError(f"{path} is damaged: the name {name!r} is no text; copy it again")


def _check_operators(path: Path, graph: GraphProto) -> None:
    for node in _nodes(graph):
        if node.domain not in STANDARD:
            raise NightsegError(
                f"{path}: node '{node.name or node.output[0]}' is the custom operator "
                f"{node.domain}.{node.op_type}, which not every engine has; export the network "
                "with standard ONNX operators only, and not optimised for one runtime"
            )


def _check_image(path: Path, image: ImageInput) -> None:
    channels: Any = image.shape[1 if image.channels_first else 3]
    reason = ""
    if image.type == "float16":
        reason = (
            "float16; export it in fp32: `nightseg export --fp16` converts the imported model, "
            "with a proof"
        )
    elif channels != RGB:
        reason = f"{channels} channels; a camera gives {RGB}"
    elif image.shape[0] > 1:
        reason = f"{image.shape[0]} images at once; the node runs one, export it for a batch of 1"
    if reason:
        raise NightsegError(f"{path}: its input {image}, takes {reason}")
