# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders with a manifest: it is trusted, and what contradicts it is reported."""

from __future__ import annotations

import pytest

from nightseg_ros.datasets import open_set, open_sets
from nightseg_ros.errors import NightsegError

HEADER = "path,label_path,source,split,time_of_day,mean_luma,clip_id,width,height,label_kind"


@pytest.fixture
def package(tmp_path, frame, label):
    """Write a small package and return its folder."""
    rows = [
        ("bdd_labelled/train/images/a", "train", "day", "cityscapes19_trainids", "a1"),
        ("bdd_labelled/val/images/b", "val", "day", "cityscapes19_trainids", "b1"),
        ("bdd_labelled/val/images/c", "val", "night", "cityscapes19_trainids", "c1"),
        ("camvid/val/images/d", "val", "day", "camvid11_ids", "d1"),
        ("night_drivable_val/images/e", "val", "night", "drivable_binary", "e1"),
        ("pool_night/f", "pool", "night", "none", ""),
    ]
    lines = [HEADER]
    for stem, split, time, kind, clip in rows:
        frame(tmp_path / f"{stem}.jpg")
        labelled = ""
        if kind != "none":
            labelled = f"{stem.replace('images', 'labels')}.png"
            label(tmp_path / labelled, 0, 1)
        lines.append(f"{stem}.jpg,{labelled},made up,{split},{time},100,{clip},16,12,{kind}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_folders_are_splits_and_kinds_are_label_sets(package):
    sets = {part.samples[0].split: part.label_set for part in open_sets(str(package))}
    assert sets == {
        "bdd_labelled/train": "cityscapes19",
        "bdd_labelled/val": "cityscapes19",
        "camvid/val": "camvid11",
        "night_drivable_val": "drivable",
        "pool_night": None,
    }


def test_samples_carry_what_the_manifest_knows(package):
    (sample,) = open_set(f"nightseg:{package}:bdd_labelled/val@night").samples
    assert (sample.name, sample.time_of_day, sample.clip) == ("c", "night", "c1")
    assert sample.label == package / "bdd_labelled/val/labels/c.png"


def test_a_folder_above_takes_all_below(package):
    assert len(open_set(f"nightseg:{package}:bdd_labelled")) == 3


def test_a_split_of_the_manifest_takes_its_folders(package):
    names = [part.samples[0].split for part in open_sets(f"nightseg:{package}:pool")]
    assert names == ["pool_night"]
    with pytest.raises(NightsegError, match=r"mixes .* camvid/val \(camvid11\), night_drivable"):
        open_set(f"nightseg:{package}:val@day,night")


def test_a_part_of_a_folder_name_is_no_folder(package):
    with pytest.raises(NightsegError, match="has no split 'bdd'; it has bdd_labelled/train, "):
        open_sets(f"nightseg:{package}:bdd")


def test_missing_and_unlisted_files_are_reported(package, frame):
    (package / "bdd_labelled/val/images/b.jpg").unlink()
    frame(package / "bdd_labelled/val/images/new.jpg")
    dataset = open_set(f"nightseg:{package}:bdd_labelled/val")
    assert [sample.name for sample in dataset.samples] == ["c"]
    assert [problem.split("/")[-1] for problem in dataset.problems] == [
        "b.jpg: is in manifest.csv but does not exist",
        "new.jpg: is not in manifest.csv",
    ]


@pytest.mark.parametrize("path", ["/etc/hostname", "../other/a.jpg"])
def test_paths_out_of_the_folder_are_refused(package, path):
    with (package / "manifest.csv").open("a") as file:
        file.write(f"{path},,x,train,day,1,,1,1,none\n")
    with pytest.raises(NightsegError, match=r"manifest.csv:8: .* must be a path below"):
        open_sets(str(package))


def test_a_manifest_without_its_columns_is_refused(package):
    (package / "manifest.csv").write_text("path,label_path\na.jpg,\n")
    with pytest.raises(NightsegError, match="there is no column split, time_of_day"):
        open_sets(str(package))


def test_unknown_kinds_of_label_are_refused(package):
    manifest = package / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("camvid11_ids", "camvid32_ids"))
    with pytest.raises(NightsegError, match="label_kind camvid32_ids; give one of"):
        open_sets(str(package))


def test_the_real_package(data_dir):
    sizes = {part.samples[0].split: len(part) for part in open_sets(str(data_dir))}
    assert sizes == {
        "bdd_labelled/train": 257,
        "bdd_labelled/val": 40,
        "camvid/train": 305,
        "camvid/val": 101,
        "camvid/test_day": 171,
        "camvid/test_dusk": 124,
        "night_drivable_val": 150,
        "pool_day": 1350,
        "pool_night": 2250,
    }
    assert len(open_set(f"nightseg:{data_dir}:bdd_labelled/val@night")) == 7
