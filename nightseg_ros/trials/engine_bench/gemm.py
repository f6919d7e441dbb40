# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ceiling: how fast the best library here multiplies large square matrices here.

A network is mostly such products, so the share of this ceiling that an engine reaches says how
much of the machine it leaves unused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nightseg_ros.errors import NightsegError

SIDE = 2048
WAYS = (
    ("numpy", "fp32"),
    ("onnxruntime", "fp32"),
    ("openvino", "fp32"),
    ("onnxruntime", "int8"),
    ("openvino", "int8"),
)
"""(library, precision) of the products that need no torch."""
TORCH_WAYS = (("torch", "fp32"), ("torch", "int8"))
GPU_WAYS = (("torch-cuda", "fp16"), ("torch-cuda", "fp32"))


class GemmRunner:
    """One matrix product; the second matrix is constant, as weights are."""

    def __init__(self, way: str, precision: str, side: int, threads: int) -> None:
        makers: Mapping[str, Callable[[str, int, int], Callable[[], Any]]] = {
            "numpy": _numpy,
            "onnxruntime": _onnxruntime,
            "openvino": _openvino,
        }
        if way not in makers:
            raise NightsegError(f"matrix products by '{way}' are not known")
        facts = {"backend": way, "device": "cpu", "precision": precision, "side": side}
        self.facts: Mapping[str, Any] = facts
        self._run = makers[way](precision, side, threads)

    def step(self) -> None:
        """Multiply once."""
        self._run()

    def close(self) -> None:
        """Free the matrices."""
        del self._run


def _numpy(precision: str, side: int, _threads: int) -> Callable[[], Any]:
    """Multiply with numpy; its threads are set by the environment, before it is loaded."""
    if precision != "fp32":
        raise NightsegError(f"numpy multiplies no {precision} worth measuring")
    a, b, out = (np.full((side, side), 0.5, np.float32) for _ in range(3))
    return lambda: np.matmul(a, b, out=out)


def _onnxruntime(precision: str, side: int, threads: int) -> Callable[[], Any]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = ort.InferenceSession(
        _integer_product(side) if precision == "int8" else _product(side),
        options,
        providers=["CPUExecutionProvider"],
    )
    a = np.full((side, side), 1, np.uint8 if precision == "int8" else np.float32)
    return lambda: session.run(None, {"a": a})


def _openvino(precision: str, side: int, threads: int) -> Callable[[], Any]:
    import openvino

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = str(threads)
    core = openvino.Core()
    data = _quantised_product(side) if precision == "int8" else _product(side)
    request = core.compile_model(core.read_model(data), "CPU", settings).create_infer_request()
    a = np.full((side, side), 1, np.uint8 if precision == "int8" else np.float32)
    return lambda: request.infer({0: a}, share_inputs=True, share_outputs=True)


def _product(side: int) -> bytes:
    from onnx import TensorProto, helper

    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    weights = np.random.default_rng(0).standard_normal((side, side), np.float32)
    return _model([node], {"b": weights}, TensorProto.FLOAT, TensorProto.FLOAT)


def _integer_product(side: int) -> bytes:
    from onnx import TensorProto, helper

    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"])
    return _model([node], {"b": _bytes(side)}, TensorProto.UINT8, TensorProto.INT32)


def _quantised_product(side: int) -> bytes:
    """Return bytes times bytes in the notation that OpenVINO turns into one integer product."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("DequantizeLinear", ["a", "scale", "zero_a"], ["fa"]),
        helper.make_node("DequantizeLinear", ["b", "scale", "zero_b"], ["fb"]),
        helper.make_node("MatMul", ["fa", "fb"], ["y"]),
    ]
    constants = {
        "b": _bytes(side),
        "scale": np.array(0.01, np.float32),
        "zero_a": np.array(0, np.uint8),
        "zero_b": np.array(0, np.int8),
    }
    return _model(nodes, constants, TensorProto.UINT8, TensorProto.FLOAT)


def _bytes(side: int) -> Any:
    return np.random.default_rng(0).integers(-64, 64, (side, side)).astype(np.int8)


def _model(nodes: list[Any], constants: dict[str, Any], taken: int, given: int) -> bytes:
    from onnx import helper, numpy_helper

    side = len(constants["b"])
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("a", taken, [side, side])],
        [helper.make_tensor_value_info("y", given, [side, side])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    data: bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return data
