# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a network keeps weights in files beside it, which no hash in model.yaml covers.

ONNX allows that, and engines then read whatever file the network names, from the folder that the
process happens to run in. The bundles of this package never do it, so none is ever right to.
"""

from __future__ import annotations

from nightseg_ros.onnx_fields import fields

MAX_DEPTH = 50
EXTERNAL_DATA = 13
_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Which numbered fields of onnx.proto hold what, as far as a tensor may lie below."""


def has_outside_weights(onnx: bytes) -> bool:
    """Return whether any tensor, wherever it stands, lies in another file.

    What is no ONNX file has none; engines refuse it.
    """
    try:
        return _look(memoryview(onnx), "model", 0)
    except (IndexError, ValueError):
        return False


def _look(message: memoryview, kind: str, depth: int) -> bool:
    if kind == "tensor":
        return any(number == EXTERNAL_DATA for number, _ in fields(message))
    if depth > MAX_DEPTH:
        return True  # no honest network has graphs so deep inside graphs
    parts = _PARTS[kind]
    return any(
        _look(content, parts[number], depth + 1)
        for number, content in fields(message)
        if number in parts
    )
