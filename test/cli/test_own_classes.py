# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Data and models with classes of one's own, through the verbs; as few as 2 and as many as 255."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from support import models as tiny
from support import verbs
from support.label_files import PARK, known_sets_kept

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet
from nightseg_ros.labels.lookup import lookup

PARK3 = LabelSet.from_dict(yaml.safe_load(PARK))
MANY = f"name: many\nclasses: [{', '.join(f'class {id}' for id in range(255))}]\n"
SHAPE = (tiny.HEIGHT, tiny.WIDTH)
IMAGES = np.random.default_rng(0).integers(0, 256, (2, *SHAPE, 3), np.uint8)


@pytest.fixture(autouse=True)
def _known_sets_kept():
    with known_sets_kept():
        yield


def write_data(folder: Path, masks: list[np.ndarray], classes: str = "") -> Path:
    """Write a data folder of IMAGES with these labels, described by `classes`."""
    for number, (image, mask) in enumerate(zip(IMAGES, masks, strict=True)):
        for part, pixels in (("images", image[..., ::-1]), ("labels", mask)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(folder / part / f"{number}.png"), pixels)
    if classes:
        (folder / "classes.yaml").write_text(classes)
    return folder


def masks_of(count: int, seed: int = 0) -> list[np.ndarray]:
    """Return what the tiny network of so many classes must give for IMAGES."""
    return [tiny.expected_mask(image, count, seed) for image in IMAGES]


@pytest.fixture
def park(tmp_path) -> Path:
    """Write a model of the park's classes, and name its folder."""
    return tiny.segmenter(tmp_path / "park", labels=PARK3).path


def test_a_model_of_own_classes_is_evaluated_in_them(park, tmp_path):
    data = write_data(tmp_path / "data", masks_of(3), PARK)
    out = tmp_path / "out"
    result = verbs.run("evaluate", "--data", data, "--model", park, "--out", out)
    assert (result["label_set"], result["miou"]) == ("park3", 100.0)
    assert list(result["per_class"]) == ["path", "grass", "sky"]
    assert "in the 3 classes of park3" in (out / "report.html").read_text()
    joint = verbs.run("evaluate", "--data", data, "--model", park, "--label-set", "joint11")
    assert (joint["label_set"], joint["miou"]) == ("joint11", 100.0)


def test_labels_of_a_public_set_are_read_by_the_map_in_the_model(park, tmp_path):
    truth = np.tile(np.repeat([0, 9, 10, 13], SHAPE[1] // 4).astype(np.uint8), (SHAPE[0], 1))
    data = write_data(tmp_path / "data", [truth, truth])
    result = verbs.run("evaluate", "--data", data, "--model", park)
    assert result["label_set"] == "park3"
    assert result["labelled_share"] == pytest.approx(75)  # a park has no cars
    wanted = lookup(CITYSCAPES19, PARK3)[truth]
    known = wanted != 255
    right = np.mean([(mask == wanted)[known] for mask in masks_of(3)])
    assert result["pixel_accuracy"] == pytest.approx(100 * right, abs=0.01)


def test_classes_that_nothing_joins_are_refused(park, tmp_path):
    data = write_data(tmp_path / "data", masks_of(2), "name: two\nclasses: [a, b]\n")
    with pytest.raises(
        NightsegError, match="no label set has both the classes of 'two' and 'park3'"
    ):
        verbs.run("evaluate", "--data", data, "--model", park)


def test_what_is_drivable_is_said_by_the_label_set(park, tmp_path):
    drivable = [(mask == 0).astype(np.uint8) for mask in masks_of(3)]
    names = "0 not drivable\n1 drivable\n"
    data = write_data(tmp_path / "data", drivable)
    (data / "class_names.txt").write_text(names)
    with pytest.raises(NightsegError, match="which of the classes path, grass, sky are drivable"):
        verbs.run("evaluate", "--data", data, "--model", park)
    labels = LabelSet.from_dict({**yaml.safe_load(PARK), "to": {"drivable": {"path": "drivable"}}})
    known = tiny.segmenter(tmp_path / "known", labels=labels).path
    assert verbs.run("evaluate", "--data", data, "--model", known)["drivable_recall"] == 100.0
    own = write_data(tmp_path / "own", masks_of(3), yaml.safe_dump(labels.to_dict()))
    assert verbs.run("evaluate", "--data", own, "--model", known)["miou"] == 100.0


def test_a_pair_of_different_classes_works_in_those_of_one(park, tmp_path):
    day = tiny.segmenter(tmp_path / "day").path
    night = tiny.segmenter(tmp_path / "night", route="night", labels=PARK3, seed=1).path
    data = write_data(tmp_path / "data", masks_of(3), PARK)
    words = ["segment", data / "images", "--model", day, "--model", night, "--out", tmp_path / "o"]
    with pytest.raises(NightsegError, match=r"set labels_as \(--labels-as\) to park3"):
        verbs.run(*words)
    verbs.run(*words, "--route", "auto", "--labels-as", "park3")
    table = lookup(CITYSCAPES19, PARK3)
    for number, mask in enumerate(masks_of(19)):
        found = cv2.imread(str(tmp_path / f"o/{number}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, table[mask])


def test_255_classes_go_through_all_verbs(tmp_path):
    labels = LabelSet.from_dict(yaml.safe_load(MANY))
    model = tiny.segmenter(tmp_path / "many", labels=labels).path
    every = np.resize(np.arange(255, dtype=np.uint8), SHAPE)
    data = write_data(tmp_path / "data", [every, masks_of(255)[1]], MANY)
    checked = verbs.run("data", "check", data)
    assert len(checked["sets"][0]["classes"]) == 255
    out = tmp_path / "out"
    words = ["evaluate", "--data", data, "--model", model, "--bootstrap", 10, "--out", out]
    result = verbs.run(*words)
    assert (result["label_set"], len(result["per_class"])) == ("many", 255)
    assert "class 254" in (out / "report.html").read_text()
    verbs.run("segment", data / "images", "--model", model, "--out", tmp_path / "o", "--overlay")
    for number, mask in enumerate(masks_of(255)):
        found = cv2.imread(str(tmp_path / f"o/{number}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(found, mask)
    words = ["score", "--pred", data / "labels", "--gt", data / "labels"]
    score = verbs.run(*words, "--labels", data / "classes.yaml")
    assert (score["label_set"], score["miou"]) == ("many", 100.0)
