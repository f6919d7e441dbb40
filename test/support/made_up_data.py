# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A data folder of the project's own layout with a handful of drawn frames."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

PARTS = {
    "bdd_labelled/train": ("cityscapes19_trainids", "train", ("day",) * 4),
    "bdd_labelled/val": ("cityscapes19_trainids", "val", ("day", "night", "dusk", "dark")),
    "camvid/train": ("camvid11_ids", "train", ("day",) * 3),
    "camvid/val": ("camvid11_ids", "val", ("day",)),
    "camvid/test_day": ("camvid11_ids", "test_day", ("day",)),
    "camvid/test_dusk": ("camvid11_ids", "test_dusk", ("dusk",)),
    "night_drivable_val": ("drivable_binary", "val", ("night", "night")),
    "pool_day": ("none", "pool", ("day",) * 3),
    "pool_night": ("none", "pool", ("night",) * 3),
}


def draw(seed: int, night: bool, camvid: bool) -> tuple[np.ndarray, np.ndarray]:
    """A street of flat colours: sky, building, road and a car."""
    rng = np.random.default_rng(seed)
    sky, building, road, car = (0, 1, 3, 8) if camvid else (10, 2, 0, 13)
    label = np.full((96, 160), building, np.uint8)
    label[:30] = sky
    label[60:] = road
    x = int(rng.integers(10, 110))
    label[50:75, x : x + 30] = car
    label[-6:] = 255
    colours = {
        sky: (200, 180, 150),
        building: (90, 90, 110),
        road: (80, 80, 80),
        car: (30, 30, 200),
    }
    image = np.zeros((96, 160, 3), np.float32)
    for id, colour in colours.items():
        image[label == id] = colour
    image += rng.normal(0, 8, image.shape)
    return np.clip(image * (0.15 if night else 1.0), 0, 255).astype(np.uint8), label


IDD7 = {0: 0, 10: 6, 2: 5, 13: 3, 255: 255}
COMMA5 = {0: 0, 10: 2, 2: 2, 13: 3, 255: 4}

MORE = {
    "cityscapes_256/train": ("cityscapes19_trainids", "train", ("day",) * 2),
    "idd_lite/train": ("idd7_level1", "train", ("day",) * 2),
    "acdc_figures/train_weather": ("cityscapes19_trainids", "train", ("day",)),
    "acdc_figures/train_night": ("cityscapes19_trainids_5of19", "train", ("night",)),
    "acdc_figures/val_night": ("cityscapes19_trainids", "val", ("night",)),
    "comma10k_sample": ("comma5", "train", ("day",)),
}
"""What lies in the folder `more`, with a manifest of its own."""


def make_data(root: Path) -> Path:
    """Write the folder, with `more` in it, and return it."""
    _write(root, PARTS)
    _write(root / "more", MORE)
    drivable = root / "more" / "pool_drivable"
    rows = []
    for pool in ("pool_day", "pool_night"):
        labels = drivable / pool.removeprefix("pool_")
        labels.mkdir(parents=True)
        for image in sorted((root / pool).glob("*.jpg"))[:2]:
            label = np.zeros((96, 160), np.uint8)
            label[70:, 40:90] = 1
            cv2.imwrite(str(labels / f"{image.stem}.png"), label)
            rows.append(
                {
                    "path": f"{pool}/{image.name}",
                    "label_path": f"pool_drivable/{labels.name}/{image.stem}.png",
                    "split": "train",
                    "time_of_day": labels.name,
                    "clip_id": image.stem,
                    "label_kind": "drivable_direct1_alternative2",
                }
            )
    _write_manifest(drivable, rows)
    return root


def _write(root: Path, parts: dict[str, tuple[str, str, tuple[str, ...]]]) -> None:
    rows: list[dict[str, str]] = []
    for part, (kind, split, times) in parts.items():
        for index, time in enumerate(times):
            image, label = draw(len(rows), time != "day", kind == "camvid11_ids")
            stem = f"{part.replace('/', '_')}_{index}"
            labelled = kind != "none"
            if kind == "drivable_binary":
                label = (label == 0).astype(np.uint8)
            if kind == "idd7_level1":
                label = cv2.LUT(label, _to(IDD7))
            if kind == "comma5":
                label = cv2.LUT(label, _to(COMMA5))
            folder = root / part / "images" if labelled else root / part
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{stem}.jpg"), image)
            label_path = ""
            if labelled:
                (root / part / "labels").mkdir(exist_ok=True)
                cv2.imwrite(str(root / part / "labels" / f"{stem}.png"), label)
                label_path = f"{part}/labels/{stem}.png"
            rows.append(
                {
                    "path": (folder / f"{stem}.jpg").relative_to(root).as_posix(),
                    "label_path": label_path,
                    "split": split,
                    "time_of_day": time,
                    "clip_id": stem,
                    "label_kind": kind,
                }
            )
    _write_manifest(root, rows)


def _to(ids: dict[int, int]) -> np.ndarray:
    table = np.full(256, 255, np.uint8)
    table[list(ids)] = list(ids.values())
    return table


def _write_manifest(root: Path, rows: list[dict[str, str]]) -> None:
    with (root / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
