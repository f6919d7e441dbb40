# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network of four convolutions whose masks numpy can compute: the nearest colour wins."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

HEIGHT, WIDTH, CLASSES = 48, 64, 19

COLOURS = np.random.default_rng(3).integers(0, 256, (CLASSES, 3)).astype(np.uint8)


def toy_onnx(weight=1.0, first=1.0, size=(HEIGHT, WIDTH), name="image"):
    """Return the fp32 file; its layers multiply by `first` and `weight`, the third undoes it."""
    colours = COLOURS.astype(np.float32) / 255.0
    # The nearest colour: 2 c x - |c|^2 is largest where the distance to c is smallest.
    eye = np.eye(3, dtype=np.float32)[:, :, None, None]
    constants = {
        "unit": np.array(1 / 255.0, np.float32),
        "first": eye * np.float32(first),
        "second": eye * np.float32(weight),
        "third": eye / np.float32(weight * first),
        "kernel": 40.0 * (2.0 * colours)[:, :, None, None],
        "bias": -40.0 * (colours**2).sum(1),
        "axes": np.array([1], np.int64),
        "top": np.array(255.0, np.float32),
    }
    nodes = [
        helper.make_node("Cast", [name], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "unit"], ["x"]),
        helper.make_node("Conv", ["x", "first"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "second"], ["c"]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "third"], ["e"]),
        helper.make_node("Relu", ["e"], ["f"]),
        helper.make_node("Conv", ["f", "kernel", "bias"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["ids"], axis=1, keepdims=0),
        helper.make_node("Cast", ["ids"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["whole"], ["mask"], to=TensorProto.UINT8),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=1),
        helper.make_node("ReduceMax", ["shares"], ["largest"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["largest", "top"], ["sure"]),
        helper.make_node("Cast", ["sure"], ["confidence"], to=TensorProto.UINT8),
    ]
    shape = [1, *size]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.UINT8, [*shape, 3])],
        [
            helper.make_tensor_value_info(out, TensorProto.UINT8, shape)
            for out in ("mask", "confidence")
        ],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    facts = {"nightseg_precision": "fp32", "nightseg_classes": str(CLASSES)}
    helper.set_model_props(model, facts)
    return model.SerializeToString()


def toy_image(seed):
    """Return an image of blocks, each of about the colour of its class."""
    rng = np.random.default_rng(seed)
    ids = np.kron(rng.integers(0, CLASSES, (6, 8)), np.ones((8, 8), int))
    noisy = COLOURS[ids].astype(int) + rng.integers(-6, 7, (HEIGHT, WIDTH, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8), ids.astype(np.uint8)
