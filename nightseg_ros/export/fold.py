# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folds batch normalisation into the convolution before it.

The exporter does that for a normalisation directly after a convolution. A downsampler of ERFNet
normalises the concatenation of a convolution and a max pool: its normalisation is divided between
the two, and so is the ReLU after it, which engines then fuse into the convolution.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, helper

from nightseg_ros.export.open_graph import OpenGraph, attribute


def fold_batch_norms(model: ModelProto) -> None:
    """Remove every BatchNormalization; the results stay the same."""
    channels = {name: shape[1] for name, shape in OpenGraph(model).shapes().items() if shape[1:]}
    graph = OpenGraph(model)
    for step in (_split, _fold, _clip_parts):
        for node in list(graph.nodes):
            step(graph, node, channels)
    graph.write()


def _split(graph: OpenGraph, node: NodeProto, channels: dict[str, int]) -> None:
    """Normalise each part of a concatenation separately."""
    if node.op_type != "BatchNormalization":
        return
    concat = graph.sole_maker(node.input[0], "Concat")
    if concat is None or attribute(concat, "axis", None) != 1:
        return
    end, parts = 0, []
    for index, name in enumerate(concat.input):
        start, end = end, end + channels[name]
        part = NodeProto()
        part.CopyFrom(node)
        part.name = part.output[0] = f"{node.output[0]}_part{index}"
        part.input[0] = name
        for position, whole in enumerate(node.input[1:], start=1):
            cut = graph.constants[whole][start:end]
            part.input[position] = graph.constant(f"{part.name}_{position}", cut)
        parts.append(part)
        concat.input[index] = part.name
    graph.nodes = [other for other in graph.nodes if other is not concat]
    concat.output[0] = node.output[0]
    graph.replace(node, *parts, concat)


def _fold(graph: OpenGraph, node: NodeProto, _: dict[str, int]) -> None:
    """Turn one normalisation into weights of the convolution before it, or into a convolution."""
    if node.op_type != "BatchNormalization":
        return
    scale, bias, mean, variance = (graph.constants[name] for name in node.input[1:])
    factor = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    shift = bias - mean * factor
    conv = graph.sole_maker(node.input[0], "Conv")
    name = node.output[0]
    if conv is None:
        # One factor and one shift per channel: a depthwise 1x1 convolution.
        inputs = [node.input[0], f"{name}_weight", f"{name}_bias"]
        weight, group = np.ones((len(factor), 1, 1, 1), np.float32), len(factor)
        conv = helper.make_node("Conv", inputs, [name], name, group=group, kernel_shape=[1, 1])
        graph.replace(node, conv)
    else:
        weight = graph.constants[conv.input[1]]
        if len(conv.input) == 3:
            shift = shift + graph.constants[conv.input[2]] * factor
        conv.output[0] = name
        del conv.input[1:]
        conv.input.extend([f"{name}_weight", f"{name}_bias"])
        graph.replace(node)
    weight = weight * factor[:, None, None, None]
    graph.constant(f"{name}_weight", weight.astype(np.float32))
    graph.constant(f"{name}_bias", shift.astype(np.float32))


def _clip_parts(graph: OpenGraph, node: NodeProto, _: dict[str, int]) -> None:
    """Move a ReLU from after a concatenation to each of its parts."""
    concat = graph.sole_maker(node.input[0], "Concat") if node.op_type == "Relu" else None
    if concat is None:
        return
    parts = []
    for index, name in enumerate(concat.input):
        out = f"{node.output[0]}_part{index}"
        parts.append(helper.make_node("Relu", [name], [out], out))
        concat.input[index] = out
    graph.nodes = [other for other in graph.nodes if other is not concat]
    concat.output[0] = node.output[0]
    graph.replace(node, *parts, concat)
