# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model folders with networks so small that numpy can compute every pixel of their masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from nightseg_ros.bundles.bundle import SEGMENTATION, TRANSLATION, Bundle
from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet

HEIGHT, WIDTH = 48, 64
BRIGHTER = 64


def class_weights(classes: int, seed: int) -> NDArray[np.float32]:
    """Return (classes, 3) small whole numbers: their sums are exact in float32."""
    weights = np.random.default_rng(seed).integers(-9, 10, (classes, 3))
    return weights.astype(np.float32)


def expected_mask(image: NDArray[np.uint8], classes: int = 19, seed: int = 0) -> NDArray[np.uint8]:
    """Return what the network of `segmenter_onnx` must give for an (H, W, 3) RGB image."""
    scores = image.astype(np.float32) @ class_weights(classes, seed).T
    return scores.argmax(axis=-1).astype(np.uint8)


def segmenter_onnx(
    height: int = HEIGHT,
    width: int = WIDTH,
    classes: int = 19,
    seed: int = 0,
    *,
    mask_type: int = TensorProto.UINT8,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """Return a network: mask = arg-max of a 1x1 convolution, confidence = the green channel."""
    kernel = class_weights(classes, seed)[:, :, None, None]
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "kernel"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["ids"], axis=1, keepdims=0),
        # TensorRT knows bytes only as inputs and outputs, and casts them from and to floats only.
        helper.make_node("Cast", ["ids"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["whole"], ["mask"], to=mask_type),
        helper.make_node("Gather", ["float", "green"], ["greens"], axis=3),
        helper.make_node("Cast", ["greens"], ["confidence"], to=TensorProto.UINT8),
    ]
    constants = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.array(1, np.int64), "green"),
    ]
    outputs = [
        helper.make_tensor_value_info("mask", mask_type, [1, height, width]),
        helper.make_tensor_value_info("confidence", TensorProto.UINT8, [1, height, width]),
    ]
    return _model(nodes, constants, outputs, height, width, metadata)


def endless_onnx(height: int = HEIGHT, width: int = WIDTH) -> bytes:
    """Return a network with a loop of 2^62 turns: valid, loads at once, never comes back."""
    byte, boolean = TensorProto.UINT8, TensorProto.BOOL
    body = helper.make_graph(
        [
            helper.make_node("Add", ["so_far", "so_far"], ["twice"]),
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", boolean, []),
            helper.make_tensor_value_info("so_far", TensorProto.INT32, None),
        ],
        [
            helper.make_tensor_value_info("goes_on", boolean, []),
            helper.make_tensor_value_info("twice", TensorProto.INT32, None),
        ],
    )
    nodes = [
        helper.make_node("Cast", ["image"], ["whole"], to=TensorProto.INT32),
        helper.make_node("ReduceMax", ["whole"], ["largest"], axes=[3], keepdims=0),
        helper.make_node("Loop", ["turns", "yes", "largest"], ["product"], body=body),
        helper.make_node("Cast", ["product"], ["mask"], to=byte),
        helper.make_node("Identity", ["mask"], ["confidence"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(2**62, np.int64), "turns"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    shape = [1, height, width]
    outputs = [helper.make_tensor_value_info(x, byte, shape) for x in ("mask", "confidence")]
    return _model(nodes, constants, outputs, height, width, None)


def translator_onnx(height: int = HEIGHT, width: int = WIDTH) -> bytes:
    """Return a network that makes every channel brighter by 64, at most 255."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["float", "more"], ["sum"]),
        helper.make_node("Clip", ["sum", "", "top"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["translated"], to=TensorProto.UINT8),
    ]
    constants = [
        numpy_helper.from_array(np.array(BRIGHTER, np.float32), "more"),
        numpy_helper.from_array(np.array(255, np.float32), "top"),
    ]
    shape = [1, height, width, 3]
    outputs = [helper.make_tensor_value_info("translated", TensorProto.UINT8, shape)]
    return _model(nodes, constants, outputs, height, width, None)


def segmenter(folder: Path, *, seed: int = 0, onnx: bytes | None = None, **fields: Any) -> Bundle:
    """Write a segmentation bundle; `fields` override those of its model.yaml."""
    height, width = fields.pop("height", HEIGHT), fields.pop("width", WIDTH)
    labels: LabelSet = fields.pop("labels", CITYSCAPES19)
    return write_bundle(
        folder,
        segmenter_onnx(height, width, labels.count, seed) if onnx is None else onnx,
        name=fields.pop("name", folder.name),
        kind=SEGMENTATION,
        route=fields.pop("route", "day"),
        height=height,
        width=width,
        labels=labels,
        **fields,
    )


def translator(folder: Path, height: int = HEIGHT, width: int = WIDTH) -> Bundle:
    """Write a translation bundle."""
    return write_bundle(
        folder,
        translator_onnx(height, width),
        name=folder.name,
        kind=TRANSLATION,
        route="translate",
        height=height,
        width=width,
    )


def models_folder(folder: Path) -> Path:
    """Write a day model (seed 0), a night model (seed 1) and a translator; return `folder`."""
    segmenter(folder / "tiny_day", seed=0)
    segmenter(folder / "tiny_night", seed=1, route="night")
    translator(folder / "tiny_translator")
    return folder


def _model(
    nodes: list[Any],
    constants: list[Any],
    outputs: list[Any],
    height: int,
    width: int,
    metadata: dict[str, str] | None,
) -> bytes:
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, height, width, 3])]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if metadata:
        helper.set_model_props(model, metadata)
    data: bytes = model.SerializeToString()
    return data
