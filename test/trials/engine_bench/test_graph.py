# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The counter against graphs whose cost can be counted by hand."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="counting needs the extra test")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.trials.engine_bench.graph import (  # noqa: E402
    count_macs,
    graph_facts,
    with_batch,
)


def model(nodes, inputs, outputs, constants=None, metadata=None) -> bytes:
    """Return a graph; `inputs` and `outputs` are name -> (type, shape)."""
    graph = helper.make_graph(
        nodes,
        "hand_made",
        [helper.make_tensor_value_info(name, *entry) for name, entry in inputs.items()],
        [helper.make_tensor_value_info(name, *entry) for name, entry in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(made, metadata or {})
    return made.SerializeToString()


FLOAT = TensorProto.FLOAT


def ones(*shape, kind=np.float32):
    return np.ones(shape, kind)


def test_a_convolution():
    node = helper.make_node("Conv", ["x", "w"], ["y"], strides=[2, 2], pads=[1, 1, 1, 1])
    data = model(
        [node], {"x": (FLOAT, [1, 3, 8, 6])}, {"y": (FLOAT, None)}, {"w": ones(5, 3, 3, 3)}
    )
    # 4 x 3 places, 5 channels out, and 3 x 3 x 3 under the kernel
    assert count_macs(data) == 4 * 3 * 5 * 27


def test_a_convolution_of_groups_sees_its_own_channels_only():
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=4, pads=[1, 1, 1, 1])
    data = model(
        [node], {"x": (FLOAT, [1, 4, 8, 6])}, {"y": (FLOAT, None)}, {"w": ones(4, 1, 3, 3)}
    )
    assert count_macs(data) == 8 * 6 * 4 * 9


def test_a_transposed_convolution():
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])
    data = model(
        [node], {"x": (FLOAT, [1, 3, 8, 6])}, {"y": (FLOAT, None)}, {"w": ones(3, 5, 2, 2)}
    )
    # each of 8 x 6 x 3 values is spread over 5 channels of 2 x 2
    assert count_macs(data) == 8 * 6 * 3 * 5 * 4


def test_matrix_products():
    nodes = [
        helper.make_node("MatMul", ["rows", "x"], ["pooled"]),  # (8, 34) x (1, 4, 34, 60)
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=3),  # (32, 60)
        helper.make_node("Gemm", ["flat", "w"], ["y"], transA=1),  # (60, 32) x (32, 7)
    ]
    constants = {"rows": ones(8, 34), "w": ones(32, 7)}
    data = model(nodes, {"x": (FLOAT, [1, 4, 34, 60])}, {"y": (FLOAT, [60, 7])}, constants)
    assert count_macs(data) == 4 * 8 * 60 * 34 + 60 * 7 * 32


def test_integer_products_and_quantised_convolutions():
    bytes_in = {"a": (TensorProto.UINT8, [16, 32]), "x": (TensorProto.UINT8, [1, 3, 8, 8])}
    nodes = [
        helper.make_node("MatMulInteger", ["a", "b"], ["product"]),
        helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["fx"]),
        helper.make_node("DequantizeLinear", ["w", "scale", "zero_w"], ["fw"]),
        helper.make_node("Conv", ["fx", "fw"], ["y"]),
        helper.make_node(
            "QLinearConv",
            ["x", "scale", "zero", "w", "scale", "zero_w", "scale", "zero"],
            ["z"],
        ),
    ]
    constants = {
        "b": ones(32, 10, kind=np.int8),
        "w": ones(2, 3, 3, 3, kind=np.int8),
        "scale": np.array(0.1, np.float32),
        "zero": np.array(0, np.uint8),
        "zero_w": np.array(0, np.int8),
    }
    outputs = {
        "product": (TensorProto.INT32, [16, 10]),
        "y": (FLOAT, [1, 2, 6, 6]),
        "z": (TensorProto.UINT8, [1, 2, 6, 6]),
    }
    data = model(nodes, bytes_in, outputs, constants)
    assert count_macs(data) == 16 * 32 * 10 + 2 * (6 * 6 * 2 * 27)


def conv(weights, batch=1, **more) -> bytes:
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    shape = [batch, 3, 8, 8]
    return model(
        [node], {"x": (FLOAT, shape)}, {"y": (FLOAT, [batch, 2, 8, 8])}, {"w": weights}, **more
    )


def test_a_batch_costs_as_much_as_its_images():
    one = conv(ones(2, 3, 1, 1))
    assert count_macs(with_batch(one, 4)) == 4 * count_macs(one)
    shape = onnx.load_from_string(with_batch(one, 4)).graph.output[0].type.tensor_type.shape
    assert [d.dim_value for d in shape.dim] == [4, 2, 8, 8]


def test_a_graph_for_any_batch_is_counted_for_one_image():
    data = conv(ones(2, 3, 1, 1), batch="batch")
    assert count_macs(data) == 8 * 8 * 2 * 3
    assert count_macs(with_batch(data, 3)) == 3 * 8 * 8 * 2 * 3


def test_a_graph_that_holds_its_batch_inside_takes_no_other():
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    constants = {"shape": np.array([1, 12], np.int64)}
    data = model([node], {"x": (FLOAT, [1, 3, 4])}, {"y": (FLOAT, [1, 12])}, constants)
    with pytest.raises(NightsegError, match="one image at a time"):
        with_batch(data, 2)


def test_the_fingerprint_distinguishes_networks_but_not_their_weights():
    first, second = graph_facts(conv(ones(2, 3, 1, 1))), graph_facts(conv(2 * ones(2, 3, 1, 1)))
    assert first == second
    assert graph_facts(conv(ones(2, 3, 3, 3))).fingerprint != first.fingerprint
    assert graph_facts(conv(ones(2, 3, 1, 1), batch=2)).fingerprint != first.fingerprint


def test_the_precision_is_what_the_export_wrote():
    assert graph_facts(conv(ones(2, 3, 1, 1))).precision == "fp32"
    reported = conv(ones(2, 3, 1, 1), metadata={"nightseg_precision": "int8"})
    assert graph_facts(reported).precision == "int8"


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(NightsegError, match="no ONNX graph"):
        graph_facts(b"no network")
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    shape = [1, 3, "rows", 8]
    data = model([node], {"x": (FLOAT, shape)}, {"y": (FLOAT, None)}, {"w": ones(2, 3, 1, 1)})
    with pytest.raises(NightsegError, match="shape of 'y' at Conv"):
        count_macs(data)


def test_without_onnx_nothing_is_counted(monkeypatch):
    data, real = conv(ones(2, 3, 1, 1)), builtins.__import__

    def no_onnx(name, *rest):
        if name == "onnx":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_onnx)
    assert graph_facts(data) is None
    with pytest.raises(NightsegError, match="pip install onnx"):
        count_macs(data)
