# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The label tables: facts of the data sets, and that joining them keeps their meaning."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import IGNORE, Label, LabelSet, label_set
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.labels.maps import MAPS, SETS
from nightseg_ros.labels.vistas import VISTAS_12, VISTAS_20, VISTAS_TO_19_BY_NAME


@pytest.mark.parametrize("name", SETS)
def test_sets_are_valid_and_survive_a_round_trip(name):
    labels = label_set(name)
    assert LabelSet.from_dict(labels.to_dict()) == labels
    assert labels.palette()[labels.count :].sum() == 0


@pytest.mark.parametrize(("source", "target"), MAPS)
def test_maps_stay_within_their_sets(source, target):
    for source_id, target_id in MAPS[source, target].items():
        assert 0 <= source_id < label_set(source).count
        assert 0 <= target_id < label_set(target).count
    table = lookup(source, target)
    assert (table[label_set(source).count :] == IGNORE).all()


def test_cityscapes_ids_become_the_class_of_the_same_name():
    names, targets = label_set("cityscapes_ids").names, label_set("cityscapes19").names
    for id, becomes in enumerate(lookup("cityscapes_ids", "cityscapes19")[: len(names)]):
        expected = targets.index(names[id]) if names[id] in targets else IGNORE
        assert becomes == expected, names[id]


def test_vistas_classes_of_the_same_name_agree_with_cityscapes():
    targets = label_set("cityscapes19").names
    for name, id in VISTAS_TO_19_BY_NAME.items():
        if name in targets:
            assert targets[id] == name
    assert set(VISTAS_TO_19_BY_NAME) <= {*VISTAS_12, *VISTAS_20}
    assert set(VISTAS_TO_19_BY_NAME.values()) == set(range(19))


@pytest.mark.parametrize(
    ("version", "id", "becomes"),
    [
        ("vistas_v1.2", 13, "road"),
        ("vistas_v1.2", 24, "road"),  # lane marking
        ("vistas_v1.2", 27, "sky"),
        ("vistas_v1.2", 55, "car"),
        ("vistas_v1.2", 65, None),  # unlabeled
        ("vistas_v2.0", 21, "road"),
        ("vistas_v2.0", 45, "road"),  # crosswalk
        ("vistas_v2.0", 61, "sky"),
        ("vistas_v2.0", 92, "traffic light"),
        ("vistas_v2.0", 97, None),  # back of a sign
        ("vistas_v2.0", 108, "car"),
        ("vistas_v2.0", 123, None),
    ],
)
def test_vistas_ids(version, id, becomes):
    expected = IGNORE if becomes is None else label_set("cityscapes19").names.index(becomes)
    assert lookup(version, "cityscapes19")[id] == expected


@pytest.mark.parametrize(
    ("name", "count", "places"),
    [
        ("ade20k150", 150, {0: "wall", 6: "road", 20: "car", 80: "bus", 127: "bicycle"}),
        ("coco-stuff", 171, {0: "person", 2: "car", 79: "toothbrush", 80: "banner", 157: "tree"}),
        ("voc21", 21, {0: "background", 7: "car", 15: "person", 20: "tvmonitor"}),
    ],
)
def test_classes_of_public_sets_are_where_networks_have_them(name, count, places):
    names = label_set(name).names
    assert len(names) == count
    assert {id: names[id] for id in places} == places


def test_voc_has_its_own_colours():
    palette = label_set("voc21").palette()
    assert palette[[0, 1, 7, 8, 20]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [128, 128, 128],
        [64, 0, 0],
        [0, 64, 128],
    ]


@pytest.mark.parametrize("name", ["ade20k150", "coco-stuff", "voc21"])
def test_public_classes_of_the_same_name_agree_with_cityscapes(name):
    source, target = label_set(name).names, label_set("cityscapes19").names
    table = lookup(name, "cityscapes19")
    for id, own in enumerate(source):
        if own in target and (name, own) != ("ade20k150", "wall"):  # mostly indoors there
            assert target[table[id]] == own, own


def test_joint11_merges_what_it_reports():
    names = label_set("cityscapes19").names
    joint = label_set("joint11").names
    merged = {
        "wall": "building", "traffic light": "sign", "traffic sign": "sign",
        "terrain": "vegetation", "rider": "person", "motorcycle": "bicycle", "car": "vehicle",
        "truck": "vehicle", "bus": "vehicle", "train": "vehicle",
    }  # fmt: skip
    table = lookup("cityscapes19", "joint11")
    for id, name in enumerate(names):
        assert joint[table[id]] == merged.get(name, name)


def test_maps_are_chained():
    first, second = lookup("camvid11", "cityscapes19"), lookup("cityscapes19", "joint11")
    np.testing.assert_array_equal(lookup("camvid11", "joint11"), second[first])


def test_camvid_bicyclist_is_nothing_anywhere():
    id = label_set("camvid11").names.index("bicyclist")
    assert lookup("camvid11", "cityscapes19")[id] == IGNORE
    assert lookup("camvid11", "joint11")[id] == IGNORE


def test_both_releases_of_drivable_area_mean_the_same():
    for stored in ("bdd_drivable", "bdd_drivable_maps"):
        table = lookup(stored, "drivable")
        by_name = {name: table[id] for id, name in enumerate(label_set(stored).names)}
        assert by_name == {"direct": 1, "alternative": 1, "background": 0}


def test_same_set_keeps_its_ids_and_drops_all_others():
    table = lookup("joint11", "joint11")
    assert table[:11].tolist() == list(range(11))
    assert (table[11:] == IGNORE).all()


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("joint11", "cityscapes19", "no map from label set 'joint11' to 'cityscapes19'"),
        ("drivable", "cityscapes19", "no map"),
        ("cityscapes", "joint11", "label set 'cityscapes' is unknown"),
        ("cityscapes19", "joint", "label set 'joint' is unknown"),
    ],
)
def test_what_cannot_be_mapped_is_reported(source, target, said):
    with pytest.raises(NightsegError, match=said):
        lookup(source, target)


def test_label_set_refuses_colours_used_twice():
    with pytest.raises(NightsegError, match="colours used twice"):
        LabelSet("made up", (Label(0, "a", (1, 2, 3)), Label(1, "b", (1, 2, 3))))
