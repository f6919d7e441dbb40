# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which output is the mask, and what its values mean, where the graph alone does not say it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[export]'")

from support import foreign_networks as foreign  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.imported.find_output import find_output, has_channels  # noqa: E402
from nightseg_ros.labels.label_set import LabelSet  # noqa: E402

SIZE = (32, 48)
GRAPH = onnx.load_from_string(foreign.segmenter())
RANDOM = np.random.default_rng(0)


def labels(count, name="own"):
    classes = [{"id": i, "name": f"c{i}", "color": [i, 0, 1]} for i in range(count)]
    return LabelSet.from_dict({"name": name, "classes": classes})


def found(outputs, count=5, **answers):
    return find_output("net", GRAPH, [outputs, outputs], SIZE, labels(count), **answers)


def shares(shape):
    values = RANDOM.random(shape).astype(np.float32) + 0.1
    return values / values.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("shape", "last", "map_size"),
    [
        ((1, 5, 32, 48), False, (32, 48)),
        ((1, 32, 48, 5), True, (32, 48)),
        ((1, 5, 4, 6), False, (4, 6)),
        ((1, 5, 2, 3), False, (2, 3)),
        ((1, 16, 24, 5), True, (16, 24)),
    ],
)
def test_layout_and_size(shape, last, map_size):
    output = found({"y": RANDOM.normal(size=shape).astype(np.float32)})
    assert (output.channels_last, output.map_size, output.channels) == (last, map_size, 5)
    assert output.kind == "logits"


def test_as_many_channels_as_rows_are_distinguished_by_the_labels():
    values = RANDOM.normal(size=(1, 16, 16, 5)).astype(np.float32)
    output = find_output("net", GRAPH, [{"y": values}], (16, 16), labels(5))
    assert output.channels_last


def test_probabilities_are_recognised_by_their_sum():
    assert found({"y": shares((1, 5, 32, 48))}).kind == "probabilities"


def test_what_could_be_either_is_asked_for():
    values = RANDOM.random((1, 5, 32, 48)).astype(np.float32)
    with pytest.raises(NightsegError, match="can be logits or probabilities"):
        found({"y": values})
    assert found({"y": values}, kind="logits").kind == "logits"
    assert found({"y": values}, kind="probabilities").because == "as requested"


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"y": (1, 1000)}, "'y' (1x1000) looks like the scores of whole images, by a classifier"),
        ({"y": (1, 84, 8400)}, "'y' (1x84x8400) is a table, not a map of the image"),
        ({"y": (1, 5, 32, 48), "z": (100, 4)}, "or give --output y if that has the classes"),
        ({"y": (1, 5, 30, 48)}, "The size of no output is that of the image, or a part of it"),
        ({"y": (2, 5, 32, 48)}, "The size of no output is that of the image"),
        ({"y": (1, 32, 48)}, "is one channel with values from"),
    ],
)
def test_what_is_no_mask_is_refused(outputs, said):
    values = {key: RANDOM.normal(size=shape).astype(np.float32) for key, shape in outputs.items()}
    with pytest.raises(NightsegError) as error:
        found(values)
    assert said in str(error.value)


def test_a_map_beside_a_table_is_taken_where_it_is_named():
    values = {"y": RANDOM.normal(size=(1, 5, 32, 48)), "z": np.zeros((100, 4))}
    assert found(values, wanted="y").name == "y"


def test_numbers_that_are_none_are_refused_with_the_frame():
    values = RANDOM.normal(size=(1, 5, 32, 48))
    values[0, 1, 2, 3] = np.nan
    with pytest.raises(NightsegError, match="output 'y' contains nan on frame 1"):
        found({"y": values})


def test_channels_beyond_the_classes_must_be_void():
    own = replace(labels(5), void=frozenset({5, 254}))
    assert [has_channels(own, count) for count in (4, 5, 6, 7)] == [False, True, True, False]
    values = {"y": RANDOM.normal(size=(1, 6, 32, 48))}
    assert find_output("net", GRAPH, [values], SIZE, own).channels == 6
