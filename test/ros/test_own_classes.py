# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""From a rendered drive to a node that publishes masks of one's own classes, by the verbs alone."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy", reason="needs rclpy")
pytest.importorskip("lightning", reason="learning needs the extra train")

from std_msgs.msg import String
from support import verbs
from support.label_files import known_sets_kept
from support.segmentation_graph import image, pixels_of

from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.learning.network_config import NetworkConfig
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint
from nightseg_ros.ros.qos import latched

pytestmark = [pytest.mark.ros, pytest.mark.slow]

OTHERS = set(CITYSCAPES19.names) - {"road", "sidewalk", "building", "sky", "car"}
FIVE = {
    "name": "drive5",
    "classes": ["road", "sidewalk", "building", "sky", "other"],
    "from": {
        "cityscapes19": {
            **{name: name for name in ("road", "sidewalk", "building", "sky")},
            **dict.fromkeys(sorted({*OTHERS, "car"}), "other"),
        }
    },
}
TWO = {
    "name": "drive2",
    "classes": {"blocked": [60, 60, 60], "free": [128, 64, 128]},
    "from": {
        "cityscapes19": {
            **dict.fromkeys(CITYSCAPES19.names, "blocked"),
            "road": "free",
        }
    },
}
SIZE = (64, 96)


def relabel(drive: Path, classes: Path) -> None:
    """Give the labels of a drive the ids of one's own classes, which the folder then describes."""
    table = lookup(CITYSCAPES19, find_label_set(str(classes)))
    for file in (drive / "labels").iterdir():
        stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert cv2.imwrite(str(file), table[stored])
    (drive / "classes.yaml").write_text(classes.read_text())


@pytest.mark.parametrize("described", [FIVE, TWO], ids=["five", "two"])
def test_a_drive_of_own_classes_becomes_a_working_node(start, tmp_path, described):
    names = list(described["classes"])
    classes = tmp_path / "own.yaml"
    classes.write_text(yaml.safe_dump(described, sort_keys=False))
    drive = tmp_path / "drive"
    verbs.run("drive", "--out", drive, "--frames", 6, "--size", f"{SIZE[1]}x{SIZE[0]}")
    day = NetworkConfig(width=0.25)
    save_checkpoint(tmp_path / "day.pt", create_network(day), day, {})
    recipe = {
        "name": "own",
        "labels": str(classes),
        "network": {"name": "erf_pspnet", "width": 0.25, "classes": len(names)},
        "init": str(tmp_path / "day.pt"),
        "train": [{"data": f"folder:{drive}"}],
        "val": [f"folder:{drive}"],
        **{key: list(SIZE) for key in ("view", "cache", "test_size")},
        "steps": 2,
        "batch": 2,
        "val_every": 1,
        "precision": "32-true",
    }
    (tmp_path / "own_recipe.yaml").write_text(yaml.safe_dump(recipe))
    with known_sets_kept():
        if described is FIVE:  # two classes are read by the map
            relabel(drive, classes)
        trained = verbs.run("train", tmp_path / "own_recipe.yaml", "--out", tmp_path / "run")
        model = tmp_path / "models" / "own"
        size = ("--size", f"{SIZE[1]}x{SIZE[0]}")
        verbs.run("export", trained["checkpoint"], "--route", "day", "--out", model, *size)
    # As in another process, which knows what the model and the data folder say.
    with known_sets_kept():
        scores = verbs.run("evaluate", "--data", f"folder:{drive}", "--model", model)
    assert list(scores["per_class"]) == names
    assert scores["images"] == 6

    graph = start(models_dir=model.parent, engine="onnxruntime-cpu", threads=1, route="day")
    camera, masks, labels = graph.camera(), graph.watch(), graph.watch("labels", String, latched())
    graph.connected(camera)
    frame = cv2.imread(str(drive / "images" / "000000.jpg"))
    camera.publish(image(frame))
    assert graph.got(masks)
    assert graph.got(labels)
    found = np.unique(pixels_of(masks[0]))
    assert found.max() < len(names)
    assert [one["name"] for one in json.loads(labels[0].data)["classes"]] == names
