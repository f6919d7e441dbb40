# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The labels that a round of self-training gives its pools, with a record of who gave them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19
from nightseg_ros.learning.config import TrainConfig
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.pseudo_labels import label_images
from nightseg_ros.learning.self_training_config import SelfTrainingConfig, TeacherConfig
from nightseg_ros.learning.teachers import labelled_shares, load_teachers, measure_thresholds
from nightseg_ros.learning.tensor_set import expand


def label_pools(
    config: SelfTrainingConfig,
    base: TrainConfig,
    teachers: tuple[TeacherConfig, ...],
    folder: Path,
    data: str,
    fast_dev_run: bool,
) -> NDArray[np.float32]:
    """Write the labels of every pool, and return the thresholds of the last one."""
    classes = base.network.classes
    teacher = load_teachers(teachers, config.scales, classes)
    about = {
        "teachers": plain_lists([asdict(one) for one in teachers]),
        "rule": [config.keep, config.floor, config.sure, list(config.scales), config.probe],
        "by_hand": plain_lists([asdict(one) for one in config.class_thresholds]),
    }
    record = folder / "teachers.json"
    if record.is_file() and json.loads(record.read_text())["about"] != about:
        raise NightsegError(
            f"{folder} holds labels of other teachers or thresholds; delete it, or train with "
            "another --out"
        )
    limits = np.zeros(0, np.float32)
    pools: list[dict[str, Any]] = []
    for index, pool in enumerate(config.pools):
        images = open_set(expand(pool.images, data))
        limits = measure_thresholds(
            teacher,
            images,
            classes=classes,
            keep=config.keep,
            floor=config.floor,
            sure=config.sure,
            probe=min(config.probe, 2) if fast_dev_run else config.probe,
        )
        for one in config.class_thresholds:
            limits[CITYSCAPES19.names.index(one.name)] = one.threshold
        written = {
            name: round(float(x), 3) for name, x in zip(_names(classes), limits, strict=True)
        }
        pools.append({"images": pool.images, "thresholds": written})
        record.write_text(json.dumps({"about": about, "pools": pools}, indent=2) + "\n")
        say(f"{folder.name}: labels {pool.images}; thresholds {written}")
        count = min(pool.count or len(images), len(images))
        count = min(count, 4) if fast_dev_run else count
        out = pool_folder(folder, index)
        for done, _ in enumerate(
            label_images(teacher, images, out, threshold=limits, count=count), 1
        ):
            if done % 100 == 0 or done == count:
                say(f"{folder.name}: {done} of {count} labelled")
        pools[-1]["shares"] = labelled_shares(out / "labels", classes)
        record.write_text(json.dumps({"about": about, "pools": pools}, indent=2) + "\n")
    return limits


def _names(classes: int) -> list[str]:
    known = CITYSCAPES19.names
    return list(known) if classes == len(known) else [str(index) for index in range(classes)]


def pool_folder(folder: Path, index: int) -> Path:
    """Return where a round keeps the labels of a pool."""
    return folder / f"pool_{index}"


def plain_lists(value: Any) -> Any:
    """Return a value as JSON gives it back, to be compared with a record."""
    return json.loads(json.dumps(value))


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"self-training: {text}", file=sys.stderr, flush=True)
