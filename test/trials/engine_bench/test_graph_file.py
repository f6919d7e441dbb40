# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Graphs of any origin: what they take is read from them, and they are fed exactly that."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="reading graphs needs the extra test")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.trials.engine_bench.graph_file import GraphFile, random_inputs  # noqa: E402
from nightseg_ros.trials.engine_bench.runners import GraphRunner  # noqa: E402

ELEMENTS = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}
ELEMENTS |= {"uint8": TensorProto.UINT8, "int64": TensorProto.INT64}


def write(file: Path, shape, kind: str = "float32", inputs: int = 1, *, conv: bool = False) -> Path:
    """Write a graph that passes its input on, or convolves it with a 3x3 kernel to 5 channels."""
    element = ELEMENTS[kind]
    values = [helper.make_tensor_value_info(f"x{i}", element, shape) for i in range(inputs)]
    kernel = np.ones((5, 3, 3, 3), np.float16 if kind == "float16" else np.float32)
    node = helper.make_node("Identity", ["x0"], ["y"])
    if conv:
        node = helper.make_node("Conv", ["x0", "kernel"], ["y"], pads=[1, 1, 1, 1])
    graph = helper.make_graph(
        [node],
        "hand_made",
        values,
        [helper.make_tensor_value_info("y", element, [shape[0], "c", "h2", "w2"])],
        [numpy_helper.from_array(kernel, "kernel")] if conv else [],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    return file


def test_a_fixed_graph_has_one_size(tmp_path):
    graph = GraphFile.read(write(tmp_path / "net.onnx", [1, 3, 32, 48], conv=True))
    assert (graph.label, graph.input, graph.type) == ("net", "x0", "float32")
    assert (graph.size, graph.precision) == ((32, 48), "fp32")
    assert graph.at((32, 48), 1) == (1, 3, 32, 48)
    assert graph.macs((1, 3, 32, 48)) == 32 * 48 * 5 * 27
    for size, batch in (((32, 50), 1), ((32, 48), 2)):
        with pytest.raises(NightsegError, match="exported for 1x3x32x48"):
            graph.at(size, batch)


def test_a_free_graph_takes_every_size_and_batch(tmp_path):
    graph = GraphFile.read(write(tmp_path / "net.onnx", ["n", 3, None, "w"], conv=True))
    assert graph.size is None
    assert graph.at((16, 24), 2) == (2, 3, 16, 24)
    assert graph.macs((2, 3, 16, 24)) == 2 * 16 * 24 * 5 * 27
    assert graph.fed((2, 3, 16, 24)) == "x0, random float32 2x3x16x24"


@pytest.mark.parametrize("last", [False, True])
def test_free_channels_are_those_of_the_first_convolution(tmp_path, last):
    """As optimum exports networks of transformers."""
    file = write(tmp_path / "net.onnx", ["n", "c", "h", "w"], conv=True)
    model = onnx.load(file)
    if last:
        nodes = [helper.make_node("Transpose", ["x0"], ["planes"], perm=[0, 3, 1, 2])]
        nodes += model.graph.node
        nodes[1].input[0] = "planes"
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    onnx.save(model, file)
    graph = GraphFile.read(file)
    assert graph.channels_first is not last
    assert graph.at((16, 24), 1) == ((1, 16, 24, 3) if last else (1, 3, 16, 24))
    bare = write(tmp_path / "bare.onnx", ["n", "c", "h", "w"])
    with pytest.raises(NightsegError, match=r"takes x0, float32 \?x\?x\?x\?"):
        GraphFile.read(bare)


def test_bytes_with_the_channels_last(tmp_path):
    graph = GraphFile.read(write(tmp_path / "net.onnx", [1, "h", "w", 3], "uint8"))
    assert not graph.channels_first
    assert graph.at((16, 24), 1) == (1, 16, 24, 3)


def test_the_arithmetic_is_named(tmp_path):
    half = write(tmp_path / "half.onnx", [1, 3, 8, 8], "float16", conv=True)
    assert GraphFile.read(half).precision == "fp16"


@pytest.mark.parametrize(
    ("shape", "kind", "inputs", "said"),
    [
        ([1, 3, 8, 8], "float32", 2, "2 inputs (x0, x1)"),
        ([1, 3, 8, 8], "int64", 1, "takes x0, int64 1x3x8x8"),
        ([1, 16, 8, 8], "float32", 1, "takes x0, float32 1x16x8x8"),
        ([3, 8, 8], "float32", 1, "takes x0, float32 3x8x8"),
    ],
)
def test_what_takes_no_images_is_refused(tmp_path, shape, kind, inputs, said):
    file = write(tmp_path / "net.onnx", shape, kind, inputs)
    with pytest.raises(NightsegError) as error:
        GraphFile.read(file)
    assert said in str(error.value)


@pytest.mark.parametrize("kind", ["uint8", "float16", "float32"])
def test_inputs_are_random_and_differ(kind):
    inputs = random_inputs(kind, (1, 4, 6, 3))
    assert {str(values.dtype) for values in inputs} == {kind}
    assert all(len(np.unique(values)) > 30 for values in inputs)
    assert not np.array_equal(inputs[0], inputs[1])
    assert kind == "uint8" or all(0 <= values.min() <= values.max() <= 1 for values in inputs)


@pytest.mark.parametrize("engine", ["onnxruntime-cpu", "openvino"])
def test_it_runs_for_the_shape_that_is_asked_for(tmp_path, engine):
    pytest.importorskip(engine.split("-")[0])
    graph = GraphFile.read(write(tmp_path / "net.onnx", ["n", 3, "h", "w"], conv=True))
    shape = graph.at((16, 24), 2)
    runner = GraphRunner({"engine": engine, "threads": 1, **graph.spec(shape)})
    runner.step()
    outputs = runner._run(next(runner._inputs))
    found = outputs[0]
    assert found.shape == (2, 5, 16, 24)
    assert (runner.facts["precision"], runner.facts["device"]) == ("fp32", "cpu")
    runner.close()
