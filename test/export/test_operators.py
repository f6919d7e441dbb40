# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every operator and type of our ONNX files is in the tables of the parsers of TensorRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from nightseg_ros.bundles.onnx_file import read_metadata  # noqa: E402
from nightseg_ros.export.convert import in_precision  # noqa: E402
from nightseg_ros.export.operators import HIGHEST_OPSET, tensorrt_versions, unsupported  # noqa: E402

SHIPPED = sorted(Path(__file__).parents[2].glob("models/*/model.onnx"))
ALL = list(HIGHEST_OPSET)


def takes(data):
    model = onnx.load_from_string(data)
    assert unsupported(model) == []
    return tensorrt_versions(model)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("kind", ["erf_pspnet", "light", "resnet"])
def test_a_fresh_export(exported, kind, precision):
    assert takes(in_precision(exported[kind], precision)) == ALL == ["8.6", "10", "11"]


@pytest.mark.slow
def test_a_fresh_export_in_the_int8_of_tensorrt(exported):
    rng = np.random.default_rng(0)
    frames = list(rng.integers(0, 256, (16, 72, 120, 3), np.uint8))
    assert takes(in_precision(exported["erf_pspnet"], "int8", frames, symmetric=True)) == ALL


@pytest.mark.parametrize("file", SHIPPED, ids=[path.parent.name for path in SHIPPED])
def test_a_shipped_model(file):
    data = file.read_bytes()
    if data.startswith(b"version https://git-lfs"):
        pytest.skip("the models are Git LFS pointers here: git lfs pull")
    if read_metadata(data).get("nightseg_precision") == "int8":
        pytest.skip("this int8 model is for CPUs")
    assert takes(data) == ALL


def model_of(nodes, kinds, constants=None, opset=17):
    """Return a model from input x to output y, of the given types."""
    x, y = kinds
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", x, [1, 2, 4, 4])],
        [helper.make_tensor_value_info("y", y, None)],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


BYTE, FLOAT, INT64 = TensorProto.UINT8, TensorProto.FLOAT, TensorProto.INT64
QDQ = (("Q", "x", "q"), ("Deq", "q", "y"))
SCALE = {"scale": np.array(0.1, np.float32), "zero": np.array(3, np.uint8)}


@pytest.mark.parametrize(
    ("nodes", "kinds", "constants", "reason"),
    [
        ([("Transpose", "x", "y", {})], (BYTE, BYTE), {}, "its input is uint8"),
        (
            [("ArgMax", "x", "ids", {"axis": 1}), ("Cast", "ids", "y", {"to": BYTE})],
            *((FLOAT, BYTE), {}, "a type that is not a float to uint8"),
        ),
        (
            [("Cast", "x", "bytes", {"to": BYTE}), ("Cast", "bytes", "y", {"to": FLOAT})],
            *((FLOAT, FLOAT), {}, "uint8 inside the graph"),
        ),
        ([("Cast", "x", "y", {"to": INT64})], (BYTE, INT64), {}, "to a type that is not a float"),
        ([("Det", "x", "y", {})], (FLOAT, FLOAT), {}, "not in the tables"),
        (
            [(f"{kind}uantizeLinear", f"{x} scale zero", y, {}) for kind, x, y in QDQ],
            *((FLOAT, FLOAT), SCALE, "zero points that are int8 and 0"),
        ),
        (
            [("Resize", "x  factors", "y", {"mode": "cubic"})],
            *((FLOAT, FLOAT), {"factors": np.array([1, 1, 2, 2], np.float32)}, "mode b'cubic'"),
        ),
    ],
)
def test_what_no_tensorrt_takes_is_named(nodes, kinds, constants, reason):
    made = [
        helper.make_node(kind, inputs.split(" "), [out], **attributes)
        for kind, inputs, out, attributes in nodes
    ]
    model = model_of(made, kinds, constants)
    assert any(reason in text for text in unsupported(model)), unsupported(model)
    assert tensorrt_versions(model) == []


def test_a_newer_opset_needs_a_newer_tensorrt():
    relu = helper.make_node("Relu", ["x"], ["y"])
    versions = [tensorrt_versions(model_of([relu], (FLOAT, FLOAT), opset=n)) for n in (17, 18, 21)]
    assert versions == [["8.6", "10", "11"], ["10", "11"], ["11"]]
