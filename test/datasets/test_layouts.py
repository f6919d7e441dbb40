# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every public layout, with the folder and file names that its data set really has."""

from __future__ import annotations

import numpy as np
import pytest
from support.label_files import PARK, known_sets_kept

from nightseg_ros.datasets import LAYOUTS, open_set, open_sets
from nightseg_ros.datasets.image_files import read_label
from nightseg_ros.errors import NightsegError


def only(spec, stored=None):
    """Open a set of one sample; return it and its label in cityscapes19, first row."""
    dataset = open_set(spec, stored)
    (sample,) = dataset.samples
    return dataset, sample


def first_row(dataset, sample, target="cityscapes19"):
    return dataset.load_label(sample, target)[0, :4].tolist()


def test_bdd10k(tmp_path, frame, label):
    frame(tmp_path / "images/10k/val/7d06fefd-f7be05a6.jpg")
    label(tmp_path / "labels/sem_seg/masks/val/7d06fefd-f7be05a6.png", 0, 13, 255, 18)
    frame(tmp_path / "images/10k/test/ac6d4f42-00000000.jpg")
    dataset, sample = only(f"bdd10k:{tmp_path}:val")
    assert first_row(dataset, sample) == [0, 13, 255, 18]
    assert (sample.name, sample.clip, sample.split) == ("7d06fefd-f7be05a6", "7d06fefd", "val")
    test = open_set(f"bdd10k:{tmp_path}:test")
    assert test.label_set is None
    assert test.samples[0].label is None


def test_bdd10k_older_release(tmp_path, frame, label):
    frame(tmp_path / "seg/images/train/0004a4c0-d4dff0ad.jpg")
    label(tmp_path / "seg/labels/train/0004a4c0-d4dff0ad_train_id.png", 2)
    dataset, sample = only(f"bdd10k:{tmp_path}:train")
    assert first_row(dataset, sample) == [2] * 4


@pytest.mark.parametrize(
    ("labels", "ending", "ids"),
    [
        ("labels/drivable/masks/val", ".png", (0, 1, 2)),
        ("drivable_maps/labels/val", "_drivable_id.png", (1, 2, 0)),
    ],
)
def test_bdd_drivable_of_both_releases(tmp_path, frame, label, labels, ending, ids):
    frame(tmp_path / "images/100k/val/b1c66a42-6f7d68ca.jpg")
    label(tmp_path / labels / f"b1c66a42-6f7d68ca{ending}", *ids)
    dataset, sample = only(str(tmp_path))
    assert dataset.layout == "bdd_drivable"
    assert first_row(dataset, sample, "drivable")[:3] == [1, 1, 0]
    with pytest.raises(NightsegError, match="no map"):
        dataset.load_label(sample)


def cityscapes_frame(root, frame, split="val", city="lindau"):
    name = f"{city}/{city}_000000_000019"
    frame(root / f"leftImg8bit/{split}/{name}_leftImg8bit.png")
    return f"{split}/{name}"


def test_cityscapes_label_ids(tmp_path, frame, label):
    name = cityscapes_frame(tmp_path, frame)
    label(tmp_path / f"gtFine/{name}_gtFine_labelIds.png", 7, 26, 4, 33)
    label(tmp_path / f"gtFine/{name}_gtFine_instanceIds.png", 1)
    label(tmp_path / f"gtFine/{name}_gtFine_color.png", 1)
    label(tmp_path / f"gtFine/{name}_gtFine_labelTrainIds.png", 5)
    dataset, sample = only(f"cityscapes:{tmp_path}:val")
    assert dataset.label_set == "cityscapes_ids"
    assert first_row(dataset, sample) == [0, 13, 255, 18]
    assert sample.name == "lindau/lindau_000000_000019"
    assert sample.clip == "lindau_000000"
    assert sample.time_of_day == "day"


def test_cityscapes_train_ids(tmp_path, frame, label):
    name = cityscapes_frame(tmp_path, frame)
    label(tmp_path / f"gtFine/{name}_gtFine_labelTrainIds.png", 0, 13, 255, 18)
    dataset, sample = only(str(tmp_path))
    assert (dataset.layout, dataset.label_set) == ("cityscapes", "cityscapes19")
    assert first_row(dataset, sample) == [0, 13, 255, 18]


def test_cityscapes_coarse(tmp_path, frame, label):
    name = cityscapes_frame(tmp_path, frame, "train_extra", "bamberg")
    label(tmp_path / f"gtCoarse/{name}_gtCoarse_labelIds.png", 23)
    dataset, sample = only(f"cityscapes:{tmp_path}")
    assert first_row(dataset, sample) == [10] * 4


def test_camvid_of_eleven_classes(tmp_path, frame, label):
    for split, name in (("train", "0001TP_006690"), ("test", "Seq05VD_f00000")):
        frame(tmp_path / split / f"{name}.png")
        label(tmp_path / f"{split}annot" / f"{name}.png", 0, 3, 10, 11)
    assert [part.samples[0].split for part in open_sets(str(tmp_path))] == ["test", "train"]
    dataset, sample = only(f"camvid:{tmp_path}:train")
    assert first_row(dataset, sample) == [10, 0, 255, 255]
    assert first_row(dataset, sample, "camvid11") == [0, 3, 10, 255]
    assert (sample.clip, sample.time_of_day) == ("0001TP", "dusk")
    assert only(f"camvid:{tmp_path}:test")[1].time_of_day == "day"


@pytest.mark.parametrize(
    ("ending", "ids"), [("labelIds", (7, 23, 0)), ("labelTrainIds", (0, 10, 255))]
)
def test_nighttime_driving(tmp_path, frame, label, ending, ids):
    name = "test/night/0_frame_0205"
    frame(tmp_path / f"leftImg8bit/{name}_leftImg8bit.png")
    label(tmp_path / f"gtCoarse_daytime_trainvaltest/{name}_gtCoarse_{ending}.png", *ids)
    dataset, sample = only(str(tmp_path))
    assert dataset.layout == "nighttime_driving"
    assert first_row(dataset, sample)[:3] == [0, 10, 255]
    assert sample.time_of_day == "night"


def test_dark_zurich(tmp_path, frame, label):
    name = "val/night/GOPR0356/GOPR0356_frame_000321"
    frame(tmp_path / f"rgb_anon/{name}_rgb_anon.png")
    label(tmp_path / f"gt/{name}_gt_labelTrainIds.png", 0, 255)
    label(tmp_path / f"gt/{name}_gt_labelIds.png", 7, 0)
    label(tmp_path / f"gt/{name}_gt_invIds.png", 0, 1)
    label(tmp_path / f"gt/{name}_gt_invGray.png", 0, 255)
    for time in ("day", "twilight", "night"):
        frame(tmp_path / f"rgb_anon/train/{time}/GOPR0345/GOPR0345_frame_000001_rgb_anon.png")
    dataset, sample = only(f"dark_zurich:{tmp_path}:val")
    assert first_row(dataset, sample) == [0, 255, 0, 255]
    assert read_label(sample.invalid)[0, :2].tolist() == [0, 1]
    assert (sample.time_of_day, sample.clip) == ("night", "GOPR0356")
    train = open_set(f"{tmp_path}:train")
    assert train.layout == "dark_zurich"
    assert {s.time_of_day for s in train.samples} == {"day", "dusk", "night"}
    assert len(open_set(f"dark_zurich:{tmp_path}:train@dusk,night")) == 2
    with pytest.raises(NightsegError, match="mixes label sets"):
        open_set(f"dark_zurich:{tmp_path}")


def test_acdc(tmp_path, frame, label):
    for condition in ("night", "fog"):
        name = f"{condition}/train/GOPR0351/GOPR0351_frame_000159"
        frame(tmp_path / f"rgb_anon/{name}_rgb_anon.png")
        frame(tmp_path / f"rgb_anon/{name.replace('train', 'train_ref')}_ref_rgb_anon.png")
        label(tmp_path / f"gt/{name}_gt_labelTrainIds.png", 13)
        label(tmp_path / f"gt/{name}_gt_invIds.png", 1)
    dataset = open_set(f"{tmp_path}:train")
    assert dataset.layout == "acdc"
    assert {s.split: s.time_of_day for s in dataset.samples} == {
        "fog/train": "day",
        "night/train": "night",
    }
    dataset, sample = only(f"acdc:{tmp_path}:night/train")
    assert first_row(dataset, sample) == [13] * 4
    assert read_label(sample.invalid).all()
    reference = open_set(f"acdc:{tmp_path}:night/train_ref").samples[0]
    assert (reference.label, reference.time_of_day) == (None, "day")


@pytest.mark.parametrize(
    ("images", "labels", "ending", "ids"),
    [
        ("NightCity-images/images/val", "NightCity-label/label/val", "_labelIds.png", (7, 23)),
        ("images/val", "label/val", "_labelIds.png", (7, 23)),
        ("val/img", "val/lbl", "_trainIds.png", (0, 10)),
    ],
)
def test_nightcity(tmp_path, frame, label, images, labels, ending, ids):
    frame(tmp_path / images / "Chicago_0010.png")
    label(tmp_path / labels / f"Chicago_0010{ending}", *ids)
    dataset, sample = only(f"{tmp_path}:val")
    assert dataset.layout == "nightcity"
    assert first_row(dataset, sample) == [0, 10, 0, 10]
    assert sample.time_of_day == "night"


@pytest.mark.parametrize("labels", ["v1.2/labels", "labels"])
def test_vistas_of_the_first_version(tmp_path, frame, label, labels):
    frame(tmp_path / "training/images/-0C1J9CvgFP4BTVLXNeNZA.jpg")
    label(tmp_path / "training" / labels / "-0C1J9CvgFP4BTVLXNeNZA.png", 13, 27, 65, 55)
    label(tmp_path / "training/v2.0/labels/-0C1J9CvgFP4BTVLXNeNZA.png", 21, 61, 123, 108)
    dataset, sample = only(str(tmp_path))
    assert (dataset.layout, dataset.label_set) == ("vistas", "vistas_v1.2")
    assert first_row(dataset, sample) == [0, 10, 255, 13]


def test_vistas_of_the_second_version(tmp_path, frame, label):
    frame(tmp_path / "validation/images/x.jpg")
    label(tmp_path / "validation/v2.0/labels/x.png", 21, 61, 123, 108)
    dataset, sample = only(f"vistas_v2:{tmp_path}")
    assert first_row(dataset, sample) == [0, 10, 255, 13]


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("images/night", "labels/night"), ("night/images", "night/labels")],
)
def test_undd_and_plain_folders(tmp_path, frame, label, images, labels):
    frame(tmp_path / images / "a.jpg")
    label(tmp_path / labels / "a.png", 7, 12)
    dataset, sample = only(f"undd:{tmp_path}")
    assert first_row(dataset, sample) == [0, 3, 0, 3]
    assert sample.split == ("night" if "night" in images else "")
    dataset, sample = only(str(tmp_path))
    assert (dataset.layout, dataset.label_set) == ("folder", "cityscapes19")
    assert first_row(dataset, sample) == [7, 12, 7, 12]
    assert only(str(tmp_path), "cityscapes_ids")[0].label_set == "cityscapes_ids"


def test_plain_folder_with_class_names(tmp_path, frame, label):
    frame(tmp_path / "images/a.jpg")
    label(tmp_path / "labels/a.png", 3, 10)
    names = ["sky", "building", "pole", "road", "pavement", "tree", "signsymbol", "fence", "car"]
    names += ["pedestrian", "bicyclist"]
    lines = [f"{id} {name}" for id, name in enumerate(names)] + ["255 unlabelled (ignore)", ""]
    (tmp_path / "class_names.txt").write_text("\n".join(lines))
    dataset, sample = only(f"folder:{tmp_path}")
    assert dataset.label_set == "camvid11"
    assert first_row(dataset, sample)[:2] == [0, 255]
    (tmp_path / "class_names.txt").write_text("0 sea\n1 land\n")
    with pytest.raises(NightsegError, match="none of the known label sets"):
        open_set(f"folder:{tmp_path}")
    (tmp_path / "class_names.txt").write_text("road\n")
    with pytest.raises(NightsegError, match="is not 'ID NAME'"):
        open_set(f"folder:{tmp_path}")


def test_plain_folder_that_describes_its_classes(tmp_path, frame, label):
    frame(tmp_path / "val/images/a.jpg")
    label(tmp_path / "val/labels/a.png", 0, 9)
    (tmp_path / "classes.yaml").write_text(PARK)
    with known_sets_kept():
        dataset, sample = only(f"folder:{tmp_path}:val")
        assert dataset.label_set == "park3"
        assert dataset.load_label(sample, "joint11")[0, :2].tolist() == [0, 255]
        (tmp_path / "classes.yaml").write_text(PARK.replace("grass", "lawn"))
        with pytest.raises(
            NightsegError, match=r"classes\.yaml: there is another label set 'park3'"
        ):
            only(f"folder:{tmp_path}:val")


def test_unlabelled(tmp_path, frame):
    frame(tmp_path / "a/1.jpg")
    frame(tmp_path / "b/1.PNG")
    (tmp_path / "b/notes.txt").write_text("nothing")
    dataset = open_set(str(tmp_path))
    assert (dataset.layout, dataset.label_set) == ("unlabelled", None)
    assert [sample.name for sample in dataset.samples] == ["a/1", "b/1"]
    with pytest.raises(NightsegError, match="has no label"):
        dataset.load_label(dataset.samples[0])


def test_nexet_is_split_by_its_histograms(tmp_path, frame):
    for name, luma in (("dark", 20), ("bright", 150), ("between", 52)):
        frame(tmp_path / f"nexet_2017/{name}.jpg", luma)
    parts = {p.samples[0].split: p.samples[0].name for p in open_sets(f"nexet:{tmp_path}")}
    assert parts == {
        "day": "nexet_2017/bright",
        "dusk": "nexet_2017/between",
        "night": "nexet_2017/dark",
    }
    assert len(open_set(f"nexet:{tmp_path}:night")) == 1


def test_nexet_has_only_the_times_it_has(tmp_path, frame):
    frame(tmp_path / "a.jpg", 20)
    assert [part.samples[0].split for part in open_sets(f"nexet:{tmp_path}")] == ["night"]
    with pytest.raises(NightsegError, match="no split 'day'; it has night"):
        open_set(f"nexet:{tmp_path}:day")


def test_images_and_labels_that_do_not_match_are_reported(tmp_path, frame, label):
    for name in ("a", "b", "c"):
        frame(tmp_path / f"images/10k/val/{name}.jpg")
    for name in ("b", "c", "d"):
        label(tmp_path / f"labels/sem_seg/masks/val/{name}.png", 0)
    dataset = open_set(f"bdd10k:{tmp_path}:val")
    assert [sample.name for sample in dataset.samples] == ["b", "c"]
    assert [problem.split("/")[-1] for problem in dataset.problems] == [
        "a.jpg: has no label",
        "d.png: has no image",
    ]


def test_a_label_folder_without_labels_is_an_error(tmp_path, frame, label):
    name = cityscapes_frame(tmp_path, frame)
    label(tmp_path / f"gtFine/{name}_gtFine_color.png", 1)
    with pytest.raises(NightsegError, match=r"no label ends in _gtFine_labelIds\.png or"):
        open_set(f"cityscapes:{tmp_path}:val")


def test_an_image_folder_without_images_is_an_error(tmp_path, label):
    (tmp_path / "images/10k/val").mkdir(parents=True)
    label(tmp_path / "labels/sem_seg/masks/val/a.png", 0)
    with pytest.raises(NightsegError, match=r"no image ends in \.jpg"):
        open_set(f"bdd10k:{tmp_path}:val")


def test_the_same_name_twice_is_an_error(tmp_path, frame):
    frame(tmp_path / "a.jpg")
    frame(tmp_path / "a.png")
    with pytest.raises(NightsegError, match="have the same name"):
        open_set(str(tmp_path))


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_empty_folder_is_no_data_set(tmp_path, name):
    with pytest.raises(NightsegError, match=r"is not laid out as|no image ends in"):
        open_set(f"{name}:{tmp_path}")


def test_images_are_rgb_uint8(tmp_path, frame):
    frame(tmp_path / "a.png")
    dataset = open_set(str(tmp_path))
    image = dataset.load_image(dataset.samples[0])
    assert image.dtype == np.uint8
    assert image.shape == (12, 16, 3)
