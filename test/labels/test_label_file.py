# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from support.label_files import PARK, known_sets_kept

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.labels.label_set import CITYSCAPES19, label_set
from nightseg_ros.labels.lookup import has_map, lookup


@pytest.fixture(autouse=True)
def _known_sets_kept():
    with known_sets_kept():
        yield


def write(folder: Path, text: str) -> str:
    path = folder / "park.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_describes_a_label_set_that_is_then_known_by_its_name(tmp_path):
    park = find_label_set(write(tmp_path, PARK))
    assert park.names == ("path", "grass", "sky")
    assert park.labels[1].color == (107, 142, 35)
    assert park.void == {9}
    assert label_set("park3") == park
    assert find_label_set("park3") == park
    assert find_label_set(write(tmp_path, PARK)) == park  # twice is once


def test_its_maps_join_those_there_are(tmp_path):
    find_label_set(write(tmp_path, PARK))
    table = lookup("cityscapes_ids", "park3")  # over cityscapes19
    assert [int(table[id]) for id in (7, 8, 22, 23, 24)] == [0, 0, 1, 2, 255]
    assert has_map("park3", "joint11")
    assert [int(id) for id in lookup("park3", "joint11")[:3]] == [0, 6, 7]
    assert lookup("cityscapes19", "joint11")[8] == 6  # as before, not over the park


def test_maps_are_optional(tmp_path):
    find_label_set(write(tmp_path, "name: two\nclasses: {a: [1, 2, 3], b: [4, 5, 6]}\n"))
    assert not has_map("two", "joint11")
    assert not has_map("cityscapes19", "two")
    assert CITYSCAPES19.void == frozenset()


def test_a_list_of_names_gets_colours_by_number(tmp_path):
    labels = find_label_set(write(tmp_path, "name: two\nclasses: [drivable, other]\n"))
    assert [(label.name, label.color) for label in labels.labels] == [
        ("drivable", (128, 0, 0)),
        ("other", (0, 128, 0)),
    ]


def test_the_config_of_a_network_of_transformers_names_its_classes(tmp_path):
    path = tmp_path / "segformer.json"
    path.write_text('{"model_type": "segformer", "id2label": {"1": "sky", "0": "road "}}')
    labels = find_label_set(str(path))
    assert (labels.name, labels.names) == ("segformer", ("road", "sky"))
    path.write_text('{"id2label": {"0": "road", "2": "sky"}}')
    with pytest.raises(NightsegError, match="id2label has 2 classes but no id 1"):
        find_label_set(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PARK + "clases: {}\n", "key 'clases' is unknown; known: name, classes"),
        ("name: a\n", "write name, and classes as a list of names"),
        ("name: a\nclasses: {b: red}\n", "write name, and classes as a list of names or as NAME: "),
        ("name: a\nclasses: [sky, sky]\n", "label set a: names used twice: sky"),
        (PARK.replace("park3", "joint11"), "there is another label set 'joint11'; give this one"),
        (PARK.replace("road: path", "rode: path"), "label set cityscapes19 has no class 'rode'"),
        (
            PARK.replace("road: path", "road: pad"),
            "label set park3 has no class 'pad'",
        ),
    ],
)
def test_what_is_none_is_refused(tmp_path, text, message):
    with pytest.raises(NightsegError, match=message):
        find_label_set(write(tmp_path, text))
