# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of classes hold together, and every map keeps the meaning of its ids."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE, Label, LabelSet, label_set
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.labels.maps import MAPS, SETS

JOINT11 = label_set("joint11")
CAMVID11 = label_set("camvid11")


@pytest.mark.parametrize("name", sorted(SETS))
def test_every_set_survives_the_way_through_plain_data(name: str) -> None:
    labels = label_set(name)
    assert LabelSet.from_dict(labels.to_dict()) == labels


@pytest.mark.parametrize("name", sorted(SETS))
def test_palette_is_black_where_there_is_no_class(name: str) -> None:
    labels = label_set(name)
    palette = labels.palette()
    assert palette.shape == (256, 3)
    assert [tuple(color) for color in palette[: labels.count]] == [x.color for x in labels.labels]
    assert not palette[labels.count :].any()


def test_a_set_is_refused_when_two_classes_cannot_be_distinguished() -> None:
    red = (255, 0, 0)
    with pytest.raises(NightsegError, match="colours used twice"):
        LabelSet("x", (Label(0, "a", red), Label(1, "b", red)))
    with pytest.raises(NightsegError, match="names used twice: a"):
        LabelSet("x", (Label(0, "a", red), Label(1, "a", (0, 0, 0))))


@pytest.mark.parametrize(
    "labels",
    [(), (Label(1, "a", (0, 0, 0)),), (Label(0, "a", (0, 0, 256)),)],
    ids=["empty", "first id is 1", "colour out of range"],
)
def test_a_set_that_no_mask_can_hold_is_refused(labels: tuple[Label, ...]) -> None:
    with pytest.raises(NightsegError, match="label set x"):
        LabelSet("x", labels)


def test_256_classes_are_one_too_many() -> None:
    many = tuple(Label(i, str(i), (i, 0, 1)) for i in range(256))
    with pytest.raises(NightsegError, match="256 classes"):
        LabelSet("x", many)
    most = LabelSet("x", many[:255])
    assert most.palette().any(axis=1).tolist() == [True] * 255 + [False]
    assert lookup(most, most).tolist() == list(range(256))


@pytest.mark.parametrize("data", [{}, {"name": "x", "classes": [{"id": 0}]}, {"classes": 3}])
def test_unreadable_data_is_one_clear_error(data: dict[str, object]) -> None:
    with pytest.raises(NightsegError, match="not readable"):
        LabelSet.from_dict(data)


@pytest.mark.parametrize(("source", "target"), sorted(MAPS))
def test_every_map_stays_within_its_two_sets(source: str, target: str) -> None:
    table = lookup(source, target)
    used = table[table != IGNORE]
    assert used.size
    assert used.max() < label_set(target).count
    assert (table[label_set(source).count :] == IGNORE).all()


def test_a_set_maps_to_itself() -> None:
    table = lookup("camvid11", "camvid11")
    assert table[:11].tolist() == list(range(11))
    assert (table[11:] == IGNORE).all()


def test_joint11_joins_the_classes_that_the_contract_joins() -> None:
    table = lookup("cityscapes19", "joint11")
    joined = {CITYSCAPES19.names[i]: JOINT11.names[table[i]] for i in range(19)}
    assert joined["wall"] == "building"
    assert joined["traffic light"] == joined["traffic sign"] == "sign"
    assert joined["terrain"] == "vegetation"
    assert joined["rider"] == "person"
    assert joined["motorcycle"] == "bicycle"
    assert {joined[name] for name in ("car", "truck", "bus", "train")} == {"vehicle"}


def test_camvid_reaches_joint11_over_cityscapes_and_leaves_bicyclists_out() -> None:
    table = lookup("camvid11", "joint11")
    assert JOINT11.names[table[CAMVID11.names.index("pavement")]] == "sidewalk"
    assert table[CAMVID11.names.index("bicyclist")] == IGNORE


def test_raw_cityscapes_ids_become_train_ids() -> None:
    table = lookup("cityscapes_ids", "cityscapes19")
    raw = np.array([[0, 7, 26], [33, 3, 255]], np.uint8)
    assert table[raw].tolist() == [[255, 0, 13], [18, 255, 255]]


def test_unknown_names_are_reported_with_the_known_ones() -> None:
    with pytest.raises(NightsegError, match=r"'kitti' is unknown; there are .*camvid11"):
        label_set("kitti")
    with pytest.raises(NightsegError, match="no map from label set 'joint11' to 'camvid11'"):
        lookup("joint11", "camvid11")
