# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights outside the hashed file are found wherever a network may name them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from onnx import helper  # noqa: E402
from support.models import segmenter_onnx  # noqa: E402

from nightseg_ros.bundles import onnx_file  # noqa: E402
from nightseg_ros.bundles.bundle import Bundle  # noqa: E402
from nightseg_ros.bundles.onnx_file import has_external_weights  # noqa: E402
from nightseg_ros.bundles.write import write_bundle  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402


def outside():
    """Return a tensor that lies in another file."""
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    return tensor


def graph(nodes=(), tensors=(), sparse=()):
    made = helper.make_graph(list(nodes), "g", [], [], initializer=list(tensors))
    made.sparse_initializer.extend(sparse)
    return made


def sparse():
    made = onnx.SparseTensorProto(dims=[1])
    made.values.CopyFrom(outside())
    return made


def constant():
    return helper.make_node("Constant", [], ["c"], value=outside())


def branch(depth):
    """Return a node with graphs inside graphs, the innermost of which holds the tensor."""
    inner = graph(tensors=[outside()])
    for _ in range(depth):
        inner = graph(nodes=[helper.make_node("If", ["x"], ["y"], then_branch=inner)])
    return inner.node[0]


def with_attribute(**fields):
    node = helper.make_node("Odd", [], ["o"])
    attribute = node.attribute.add(name="a")
    for name, value in fields.items():
        getattr(attribute, name).extend(value)
    return node


PLACES = {
    "initializer": graph(tensors=[outside()]),
    "sparse": graph(sparse=[sparse()]),
    "constant": graph(nodes=[constant()]),
    "branch": graph(nodes=[branch(1)]),
    "deep branch": graph(nodes=[branch(9)]),
    "tensors": graph(nodes=[with_attribute(tensors=[outside()])]),
    "graphs": graph(nodes=[with_attribute(graphs=[graph(tensors=[outside()])])]),
    "sparse tensors": graph(nodes=[with_attribute(sparse_tensors=[sparse()])]),
}


@pytest.mark.parametrize("place", PLACES)
def test_weights_in_another_file_are_found(place):
    assert has_external_weights(helper.make_model(PLACES[place]).SerializeToString())


def test_they_are_found_in_functions_and_in_what_is_for_training():
    function = helper.make_function("d", "f", [], ["c"], [constant()], [])
    model = helper.make_model(graph(), functions=[function])
    assert has_external_weights(model.SerializeToString())
    model = helper.make_model(graph())
    model.training_info.add().initialization.CopyFrom(PLACES["initializer"])
    assert has_external_weights(model.SerializeToString())


def test_shipped_and_ordinary_networks_have_none(repository):
    files = sorted((repository / "models").glob("*/model.onnx"))
    assert files
    for data in (segmenter_onnx(), *(file.read_bytes() for file in files)):
        assert not has_external_weights(data)


def test_the_table_knows_every_field_of_onnx_that_leads_to_a_tensor():
    """A newer onnx.proto may have more of them."""
    kinds = {
        "ModelProto": "model",
        "TrainingInfoProto": "training",
        "GraphProto": "graph",
        "FunctionProto": "function",
        "NodeProto": "node",
        "AttributeProto": "attribute",
        "SparseTensorProto": "sparse",
        "TensorProto": "tensor",
    }
    for name, kind in kinds.items():
        if kind == "tensor":
            continue
        fields = getattr(onnx, name).DESCRIPTOR.fields
        leads = {
            field.number: kinds[field.message_type.name]
            for field in fields
            if field.message_type is not None and field.message_type.name in kinds
        }
        assert leads == onnx_file._PARTS[kind], name
    external = onnx.TensorProto.DESCRIPTOR.fields_by_name["external_data"]
    assert external.number == onnx_file.EXTERNAL_DATA


def test_graphs_too_deep_to_be_honest_count_as_outside():
    message = b""
    for _ in range(onnx_file.MAX_DEPTH + 5):  # graph > node > attribute > graph
        for number in (6, 5, 1):
            message = bytes([number << 3 | 2]) + _varint(len(message)) + message
    assert has_external_weights(b"\x3a" + _varint(len(message)) + message)


def _varint(value):
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damage_ends_in_an_answer(garbage, at, byte):
    """Engines refuse a file that is not ONNX; here nothing may raise or run forever."""
    assert has_external_weights(garbage) in (True, False)
    data = bytearray(helper.make_model(PLACES["deep branch"]).SerializeToString())
    data[at % len(data)] = byte
    assert has_external_weights(bytes(data)) in (True, False)


def test_a_bundle_with_such_a_network_is_refused(tmp_path: Path):
    network = helper.make_model(PLACES["initializer"]).SerializeToString()
    fields = {"kind": "segmentation", "route": "day", "height": 48, "width": 64}
    words = re.escape("model.onnx keeps weights in another file")
    with pytest.raises(NightsegError, match=words):
        write_bundle(tmp_path / "net", network, name="net", labels=CITYSCAPES19, **fields)
    with pytest.raises(NightsegError, match=words):
        Bundle.load(tmp_path / "net")
