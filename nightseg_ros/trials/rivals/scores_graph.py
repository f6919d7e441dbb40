# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cuts a model's graph before its arg-max, for nodes that want scores: the same network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightseg_ros.engines.graph_check import INPUT
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

THROUGH = ("Cast", "Identity", "Squeeze", "Unsqueeze", "Clip", "Reshape")
"""What may lie between the arg-max and the output of the ids."""


def scores_graph(bundle: Bundle) -> bytes:
    """Return the network of a bundle with its scores, (1, classes, H, W), as the only output."""
    try:
        import onnx
    except ImportError:
        raise NightsegError(
            "cutting a network before its arg-max needs onnx; pip install onnx"
        ) from None
    model = onnx.shape_inference.infer_shapes(onnx.load_from_string(bundle.read_model()))
    scores = _before_arg_max(model.graph, bundle)
    cut = onnx.utils.Extractor(model).extract_model([INPUT], [scores])
    return bytes(cut.SerializeToString())


def _before_arg_max(graph: Any, bundle: Bundle) -> str:
    makers = {name: node for node in graph.node for name in node.output}
    node = makers.get(bundle.outputs[0])
    while node is not None and node.op_type in THROUGH:
        node = makers.get(node.input[0])
    if node is None or node.op_type != "ArgMax":
        raise NightsegError(
            f"bundle {bundle.name}: its mask is no arg-max of scores, so a node that computes the "
            "soft-max itself cannot run it; name another model"
        )
    return str(node.input[0])
