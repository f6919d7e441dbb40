# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks as others export them, one for each form of input and output, with known masks.

Each finds the nearest colour, like toy_network.py; what differs is how it takes and returns it.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from support.toy_network import CLASSES, COLOURS, HEIGHT, WIDTH

FLOAT, HALF, BYTE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8
INT32, INT64 = TensorProto.INT32, TensorProto.INT64
STRONG = 40.0
OUT = "out"


class Net:
    """Nodes and constants of a graph that is being built."""

    def __init__(self, opset=17):
        self.opset, self.nodes, self.constants = opset, [], []

    def add(self, kind, *inputs, out=None, **attributes):
        out = out or f"{kind.lower()}{len(self.nodes)}"
        names = []
        for place, value in enumerate(inputs):
            if not isinstance(value, str):
                self.constants.append(numpy_helper.from_array(value, f"{out}_{place}"))
                value = f"{out}_{place}"
            names.append(value)
        domain = attributes.pop("domain", "")
        self.nodes.append(helper.make_node(kind, names, [out], out, domain=domain, **attributes))
        return out

    def scores(self, x, colours=COLOURS, strength=STRONG):
        """Return scores of 0-to-1 planes `x` that are highest for the nearest colour."""
        colours = colours.astype(np.float32) / 255.0
        kernel = np.float32(strength) * (2.0 * colours)[:, :, None, None]
        return self.add("Conv", x, kernel, np.float32(-strength) * (colours**2).sum(1))

    def finish(self, shape, outputs, kind=FLOAT, name="x", domains=()):
        """Return the file; `outputs` are pairs of name and type."""
        graph = helper.make_graph(
            self.nodes,
            "foreign",
            [helper.make_tensor_value_info(name, kind, shape)],
            [helper.make_tensor_value_info(out, its, None) for out, its in outputs],
            self.constants,
        )
        opsets = [
            helper.make_opsetid("", self.opset),
            *(helper.make_opsetid(d, 1) for d in domains),
        ]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def segmenter(
    form="logits",
    *,
    size=(HEIGHT, WIDTH),
    stride=1,
    last=False,
    out_last=False,
    bytes_in=False,
    dynamic=False,
    free_channels=False,
    id_type=INT64,
    keep=False,
    scale=1.0,
    bgr=False,
    opset=17,
    name="x",
    out=OUT,
):
    """Return a network whose `form` is logits, probabilities, ids, or ids without an arg-max."""
    net, x = Net(opset), name
    if bytes_in:
        x = net.add("Mul", net.add("Cast", x, to=FLOAT), np.float32(1 / 255.0))
    x = net.add("Transpose", x, perm=[0, 3, 1, 2]) if last else x
    x = net.add("Mul", x, np.float32(scale)) if scale != 1.0 else x
    if stride > 1:
        x = net.add("AveragePool", x, kernel_shape=[stride] * 2, strides=[stride] * 2)
    colours = COLOURS[:, ::-1] if bgr else COLOURS
    y, kind = net.scores(x, np.ascontiguousarray(colours)), FLOAT
    if form == "probabilities":
        y = net.add("Softmax", y, axis=1)
    if form == "ids":
        y, kind = net.add("ArgMax", y, axis=1, keepdims=int(keep)), id_type
        y = net.add("Cast", y, to=id_type) if id_type != INT64 else y
    y = net.add("Transpose", y, perm=[0, 2, 3, 1]) if out_last else y
    net.add("Identity", y, out=out)
    free = ("n", "h", "w") if dynamic else (1, *size)
    channels = "c" if free_channels else 3
    shape = [*free, channels] if last else [free[0], channels, *free[1:]]
    return net.finish(shape, [(out, kind)], BYTE if bytes_in else FLOAT, name)


def binary(*, sigmoid=True, channel=True, size=(HEIGHT, WIDTH)):
    """Return a network with one channel, high where red is more than a half."""
    net = Net()
    kernel = np.float32([10, 0, 0]).reshape(1, 3, 1, 1)
    y = net.add("Conv", "x", kernel, np.float32([-5]))
    y = net.add("Sigmoid", y) if sigmoid else y
    net.add("Identity" if channel else "Squeeze", y, *([] if channel else [np.array([1])]), out=OUT)
    return net.finish([1, 3, *size], [(OUT, FLOAT)])


def two_outputs(classes=CLASSES):
    """Return a network with scores and auxiliary scores of so many classes."""
    net = Net()
    net.add("Identity", net.scores("x"), out=OUT)
    net.add("Identity", net.scores("x", COLOURS[:classes]), out="aux")
    return net.finish([1, 3, HEIGHT, WIDTH], [(OUT, FLOAT), ("aux", FLOAT)])


def raw_ids(offset=0):
    """Return a network without scores: ids 0 to 3 by grey level, 255 for white, plus `offset`.

    Red alone has the id 77.
    """
    net = Net()
    red = net.add("Reshape", net.add("Conv", "x", np.float32([1, -1, -1]).reshape(1, 3, 1, 1)),
                  np.array([1, HEIGHT, WIDTH]))  # fmt: skip
    grey = net.add("Round", net.add("ReduceMean", "x", axes=[1], keepdims=0))
    white = net.add("Greater", grey, np.float32(254))
    ids = net.add("Where", white, np.float32(255), net.add("Min", grey, np.float32(3)))
    ids = net.add("Where", net.add("Greater", red, np.float32(254)), np.float32(77), ids)
    net.add("Add", net.add("Cast", ids, to=INT32), np.int32(offset), out=OUT)
    return net.finish([1, 3, HEIGHT, WIDTH], [(OUT, INT32)])


def depth():
    """Return a network of metres: one channel, never negative."""
    net = Net()
    net.add("Relu", net.scores("x", COLOURS[:1]), out="depth")
    return net.finish([1, 3, HEIGHT, WIDTH], [("depth", FLOAT)])


def detector():
    """Return a network of 30 boxes with scores."""
    net = Net()
    pooled = net.add("GlobalAveragePool", "x")
    row = net.add("Reshape", pooled, np.array([1, 1, 3]))
    net.add("Expand", net.add("MatMul", row, np.ones((3, 4), np.float32)),
            np.array([1, 30, 4]), out="boxes")  # fmt: skip
    net.add("Expand", row, np.array([1, 30, 3]), out="scores")
    return net.finish([1, 3, HEIGHT, WIDTH], [("boxes", FLOAT), ("scores", FLOAT)])
