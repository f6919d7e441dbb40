# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The labels that a round of self-training gives its pools, with a record of who gave them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import read_json, write_json
from nightseg_ros.learning.input_digests import input_digests
from nightseg_ros.learning.methods.self_training.teachers import (
    labelled_shares,
    load_teachers,
    measure_thresholds,
)
from nightseg_ros.learning.pseudo_labels import label_images
from nightseg_ros.learning.tensor_set import expand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.learning.methods.segmentation.config import TrainConfig
    from nightseg_ros.learning.methods.self_training.config import SelfTrainingConfig, TeacherConfig


def label_pools(
    config: SelfTrainingConfig,
    base: TrainConfig,
    teachers: tuple[TeacherConfig, ...],
    folder: Path,
    data: str,
    fast_dev_run: bool,
) -> NDArray[np.float32]:
    """Write the labels of every pool, and return the thresholds of the last one."""
    labels = base.label_set
    classes = labels.count
    by_hand = thresholds_by_hand(config, labels)
    teacher = load_teachers(teachers, config.scales, labels)
    about = {
        "teachers": plain_lists(
            [{**asdict(one), "files": input_digests(asdict(one), "")} for one in teachers]
        ),
        "rule": [config.keep, config.floor, config.sure, list(config.scales), config.probe],
        "by_hand": plain_lists([asdict(one) for one in config.class_thresholds]),
    }
    record = folder / "teachers.json"
    kept = read_json(record, f"delete {folder}")
    if kept is not None and kept.get("about") != about:
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
        for id, threshold in by_hand.items():
            limits[id] = threshold
        written = {name: round(float(x), 3) for name, x in zip(labels.names, limits, strict=True)}
        pools.append({"images": pool.images, "thresholds": written})
        write_json(record, {"about": about, "pools": pools})
        report(f"{folder.name}: labels {pool.images}; thresholds {written}")
        count = min(pool.count or len(images), len(images))
        count = min(count, 4) if fast_dev_run else count
        out = pool_folder(folder, index)
        made = label_images(teacher, images, out, threshold=limits, count=count, label_set=labels)
        for done, _ in enumerate(made, 1):
            if done % 100 == 0 or done == count:
                report(f"{folder.name}: {done} of {count} labelled")
        pools[-1]["shares"] = labelled_shares(out / "labels", classes)
        write_json(record, {"about": about, "pools": pools})
    return limits


def thresholds_by_hand(config: SelfTrainingConfig, labels: LabelSet) -> dict[int, float]:
    """Return the thresholds that are set by hand, by the ids of their classes."""
    for one in config.class_thresholds:
        if one.name not in labels.names:
            raise config.refused(
                f"class '{one.name}' is unknown; there are {', '.join(labels.names)}"
            )
    return {labels.names.index(one.name): one.threshold for one in config.class_thresholds}


def pool_folder(folder: Path, index: int) -> Path:
    """Return where a round keeps the labels of a pool."""
    return folder / f"pool_{index}"


def plain_lists(value: Any) -> Any:
    """Return a value as JSON gives it back, to be compared with a record."""
    return json.loads(json.dumps(value))


def report(text: str) -> None:
    """Report the progress."""
    print(f"self-training: {text}", file=sys.stderr, flush=True)
