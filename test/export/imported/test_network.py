# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files that no model folder can contain are refused with tensor, value and remedy."""

from __future__ import annotations

import os

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[export]'")

from onnx import helper, parser  # noqa: E402
from support import foreign_networks as foreign  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.imported.network import read_network  # noqa: E402


@pytest.fixture
def refused(tmp_path):
    """Return a call that writes a file and returns why it is refused."""

    def refused(data):
        file = tmp_path / "net.onnx"
        file.write_bytes(data)
        with pytest.raises(NightsegError) as error:
            read_network(file)
        return str(error.value)

    return refused


def test_a_network_is_read_with_what_it_takes(tmp_path):
    file = tmp_path / "net.onnx"
    file.write_bytes(foreign.segmenter(dynamic=True))
    network = read_network(file)
    assert str(network.image) == "x, float32 ?x3x?x?"
    assert network.data == file.read_bytes()


@pytest.mark.parametrize(
    ("shape", "kind", "said"),
    [
        ([1, 3, 8, 8], foreign.HALF, "its input x, float16 1x3x8x8, takes float16; export it in"),
        ([1, 1, 8, 8], foreign.FLOAT, "its input x, float32 1x1x8x8, takes 1 channels"),
        ([4, 3, 8, 8], foreign.FLOAT, "its input x, float32 4x3x8x8, takes 4 images at once"),
        ([1, 16, 8, 8], foreign.FLOAT, "takes x, float32 1x16x8x8; export it for images"),
        ([1, 3, 8, 8], foreign.INT64, "takes x, int64 1x3x8x8; export it for images"),
    ],
)
def test_inputs_that_are_no_camera_image(refused, shape, kind, said):
    net = foreign.Net()
    net.add("Identity", "x", out="out")
    assert said in refused(net.finish(shape, [("out", kind)], kind))


def test_names_that_are_no_text(refused):
    data = foreign.segmenter(out="a_name_that_is_damaged")
    assert "the name b'a_name_\\xff" in refused(data.replace(b"a_name_t", b"a_name_\xff"))


def test_custom_operators(refused):
    net = foreign.Net()
    net.add("GridPriors", "x", out="out", domain="mmdeploy")
    data = net.finish([1, 3, 8, 8], [("out", foreign.FLOAT)], domains=["mmdeploy"])
    assert "node 'out' is the custom operator mmdeploy.GridPriors" in refused(data)


def test_weights_in_another_file(refused, tmp_path):
    model = onnx.load_from_string(foreign.segmenter())
    onnx.save(model, tmp_path / "outside.onnx", save_as_external_data=True, size_threshold=0,
              location="outside.data")  # fmt: skip
    reason = refused((tmp_path / "outside.onnx").read_bytes())
    assert "is not in the file but in 'outside.data' beside it" in reason
    assert "tensor 'conv" in reason
    assert "onnx.save(onnx.load('net.onnx'), 'whole.onnx')" in reason


def test_files_of_two_gigabytes(tmp_path):
    file = tmp_path / "net.onnx"
    file.touch()
    os.truncate(file, 1 << 31)  # sparse: no disk is filled, and nothing is read
    with pytest.raises(NightsegError, match="has 2147483648 bytes, a model folder takes at most"):
        read_network(file)


def test_functions_of_the_model_are_put_in_line(tmp_path):
    model = parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17, "own" : 1]>
        net (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = own.Twice(x) }
        <domain: "own", opset_import: ["" : 17]>
        Twice (a) => (b) { b = Add(a, a) }
    """)
    file = tmp_path / "net.onnx"
    file.write_bytes(model.SerializeToString())
    network = read_network(file)
    assert [node.op_type for node in network.model.graph.node] == ["Add"]


def test_branches_are_refused(tmp_path):
    from nightseg_ros.export.imported.fixed import fixed

    net = foreign.Net()
    mean = net.add("ReduceMean", "x", keepdims=0)
    branches = {
        f"{way}_branch": helper.make_graph(
            [helper.make_node(kind, ["x"], [way])],
            way,
            [],
            [helper.make_tensor_value_info(way, foreign.FLOAT, None)],
        )
        for way, kind in (("then", "Relu"), ("else", "Neg"))
    }
    net.add("If", net.add("Greater", mean, np.float32(0)), out="out", **branches)
    file = tmp_path / "net.onnx"
    file.write_bytes(net.finish([1, 3, 8, 8], [("out", foreign.FLOAT)]))
    with pytest.raises(NightsegError, match=r"\(If\) chooses a path at run time"):
        fixed(read_network(file), (1, 3, 8, 8))


def test_weights_that_old_exporters_list_as_inputs_are_folded(tmp_path):
    from nightseg_ros.export.imported.fixed import fixed

    model = onnx.load_from_string(foreign.segmenter())
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    file = tmp_path / "net.onnx"
    file.write_bytes(model.SerializeToString())
    network = read_network(file)
    assert network.image.input == "x"
    assert [value.name for value in fixed(network, (1, 3, 48, 64)).graph.input] == ["x"]


def test_what_this_runtime_cannot_load_is_refused(tmp_path):
    from nightseg_ros.export.imported.normalisation import PRESETS
    from nightseg_ros.export.imported.original import Original

    model = onnx.load_from_string(foreign.segmenter())
    model.opset_import[0].version = 999
    file = tmp_path / "net.onnx"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(NightsegError, match=r"net\.onnx: ONNX Runtime .* cannot load it"):
        Original(read_network(file), (48, 64), PRESETS["unit"])
