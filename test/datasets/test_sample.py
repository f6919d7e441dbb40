# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loading samples: in order, in parallel, and with bad files counted against a limit."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from nightseg_ros.datasets import open_set
from nightseg_ros.datasets.sample import DrivingSet, Sample
from nightseg_ros.errors import NightsegError


@pytest.fixture
def dataset(tmp_path, frame, label):
    """Return a set of 20 frames whose labels hold their number."""
    for number in range(20):
        frame(tmp_path / f"images/{number:02d}.jpg")
        label(tmp_path / f"labels/{number:02d}.png", number % 19)
    return open_set(str(tmp_path))


def test_samples_come_in_order_with_their_label(dataset):
    loaded = list(dataset.load_all(threads=3))
    assert [sample.name for sample, _, _ in loaded] == [f"{n:02d}" for n in range(20)]
    for number, (_, image, label) in enumerate(loaded):
        assert image.shape == (12, 16, 3)
        assert (label == number % 19).all()


def test_labels_come_in_the_set_that_is_asked_for(dataset):
    labels = [label[0, 0] for _, _, label in dataset.load_all("joint11")]
    assert labels[13:17] == [9, 9, 9, 9]


def test_only_images_where_no_label_is_asked_for(dataset):
    assert all(label is None for _, _, label in dataset.load_all(None))


def test_bad_files_are_skipped_and_logged(dataset, caplog):
    dataset.samples[3].image.write_bytes(b"broken")
    names = [sample.name for sample, _, _ in dataset.load_all(max_bad=0.05)]
    assert len(names) == 19
    assert "03" not in names
    assert "03.jpg" in caplog.text


def test_too_many_bad_files_are_an_error(dataset):
    dataset.samples[3].image.write_bytes(b"broken")
    with pytest.raises(NightsegError, match=r"1 of 20 files are bad, more than 1%: .*03\.jpg"):
        list(dataset.load_all())


def test_files_without_a_partner_count_as_bad(dataset):
    dataset.samples[3].label.unlink()
    again = open_set(str(dataset.samples[0].image.parents[1]))
    with pytest.raises(NightsegError, match=r"03\.jpg: has no label"):
        list(again.load_all())
    assert len(list(again.load_all(max_bad=0.05))) == 19


def test_a_label_of_another_size_is_bad(dataset, label):
    label(dataset.samples[0].label, 0, size=(6, 8))
    with pytest.raises(NightsegError, match="the label is 8x6, its image 16x12"):
        dataset.load_pair(dataset.samples[0])


def test_ids_of_another_label_set_are_bad(dataset, label):
    label(dataset.samples[0].label, 0, 33)
    with pytest.raises(NightsegError, match="id 33 is not in label set cityscapes19"):
        dataset.load_label(dataset.samples[0])


def test_reading_ahead_stops_with_its_reader(dataset, monkeypatch):
    """Whoever stops in the middle does not wait for the rest of the set."""
    read: list[Sample] = []
    threads = threading.active_count()
    monkeypatch.setattr(
        DrivingSet, "load_image", lambda self, sample: read.append(sample) or np.zeros((1, 1, 3))
    )
    reader = dataset.load_all(None, threads=1)
    next(reader)
    reader.close()
    assert len(read) < 20
    assert threading.active_count() == threads


def test_a_set_without_times_cannot_be_narrowed_by_them(tmp_path):
    dataset = DrivingSet("x", "folder", (Sample(tmp_path / "a.jpg", None, "a"),), None)
    with pytest.raises(NightsegError, match="its time of day is unknown"):
        dataset.only(frozenset({"night"}))
