# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node with real networks in ONNX Runtime, so small that numpy can compute every pixel."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy", reason="needs rclpy")
pytest.importorskip("onnx", reason="needs onnx")

from std_msgs.msg import String
from support import models as tiny
from support.label_files import PARK
from support.segmentation_graph import image, picture, pixels_of

from nightseg_ros.labels.label_set import LabelSet
from nightseg_ros.labels.lookup import lookup
from nightseg_ros.perception.status import WARN
from nightseg_ros.ros.qos import latched

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(
    ("route", "brighter", "seed"),
    [("day", 0, 0), ("night", 0, 1), ("translate", tiny.BRIGHTER, 0)],
)
def test_mask_is_what_numpy_reports(start, tmp_path, route, brighter, seed):
    graph = start(
        models_dir=tiny.models_folder(tmp_path), engine="onnxruntime-cpu", threads=1, route=route
    )
    camera, masks, confidences = graph.camera(), graph.watch(), graph.watch("confidence")
    graph.connected(camera)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == 2)
    pixels = picture(tiny.HEIGHT, tiny.WIDTH)
    camera.publish(image(pixels))
    assert graph.got(masks)
    assert graph.got(confidences)
    rgb = np.minimum(pixels[..., ::-1].astype(int) + brighter, 255).astype(np.uint8)
    np.testing.assert_array_equal(pixels_of(masks[0]), tiny.expected_mask(rgb, seed=seed))
    np.testing.assert_array_equal(pixels_of(confidences[0]), rgb[..., 1])
    values = graph.status("backend")[2]
    assert values["day.provider"] == "CPUExecutionProvider"
    assert values["day.engine"] == "onnxruntime"


@pytest.mark.parametrize(("route", "seed"), [("day", 0), ("night", 1)])
def test_networks_of_different_classes_publish_masks_of_one_label_set(start, tmp_path, route, seed):
    park = LabelSet.from_dict(yaml.safe_load(PARK))
    folder = tiny.models_folder(tmp_path)
    tiny.segmenter(folder / "tiny_night", seed=1, route="night", labels=park)
    models = {"models_dir": folder, "engine": "onnxruntime-cpu", "threads": 1}
    graph = start(**models, route=route, labels_as="park3")
    camera, masks, labels = graph.camera(), graph.watch(), graph.watch("labels", String, latched())
    graph.connected(camera)
    pixels = picture(tiny.HEIGHT, tiny.WIDTH)
    camera.publish(image(pixels))
    assert graph.got(masks)
    assert graph.got(labels)
    ids = tiny.expected_mask(pixels[..., ::-1], 3 if route == "night" else 19, seed)
    table = lookup(park if route == "night" else "cityscapes19", park)
    np.testing.assert_array_equal(pixels_of(masks[0]), table[ids])
    described = json.loads(labels[0].data)
    assert [x["name"] for x in described["classes"]] == ["path", "grass", "sky"]
    assert set(described) == {"name", "classes", "unlabeled"}


def test_shape_that_model_yaml_does_not_promise_is_refused(start, tmp_path, capfd):
    folder = tiny.models_folder(tmp_path)
    tiny.segmenter(folder / "tiny_day", seed=0, height=32, width=32)
    file = folder / "tiny_day" / "model.yaml"
    file.write_text(file.read_text().replace("height: 32", "height: 40"))
    graph = start(up=False, models_dir=folder, engine="onnxruntime-cpu")
    graph.node.trigger_configure()
    assert graph.session is None
    log = capfd.readouterr().err
    assert "bundle tiny_day: the network takes" in log
    assert "model.yaml promises" in log


def test_engine_that_was_never_built_fails_with_the_command_that_builds_it(start, tmp_path, capfd):
    if find_spec("openvino") is None:
        pytest.skip("openvino is not installed: pip install '.[openvino]'")
    folder = tiny.models_folder(tmp_path)
    graph = start(up=False, models_dir=folder, engine="openvino-int8")
    graph.node.trigger_configure()
    assert graph.session is None
    assert (
        f"nightseg build-engine {folder}/tiny_day --engine openvino-int8" in capfd.readouterr().err
    )


def test_another_engine_than_the_one_that_was_named_is_loud(start, tmp_path, capfd):
    folder = tiny.models_folder(tmp_path)
    graph = start(models_dir=folder, engine="openvino-int8", allow_fallback=True)
    log = capfd.readouterr().err
    assert "FALLBACK: engine openvino-int8 was requested: " in log
    assert "tiny_day: engine auto selects onnxruntime-cpu" in log
    assert graph.until(lambda: graph.status("backend"))
    level, message, values = graph.status("backend")
    assert level == WARN
    assert "fallback: engine openvino-int8 was requested" in message
    assert values["day.engine"] == "onnxruntime"
    assert values["day.fallback_reason"].startswith("engine openvino-int8 was requested: ")
