# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The live node, `nightseg replay` and `nightseg segment` give identical masks of equal frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")
pytest.importorskip("rosbags.rosbag2")

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from support import bags as bags
from support import models as tiny
from support.segmentation_graph import image, pixels_of

from nightseg_ros.bags.source import Bag
from nightseg_ros.cli.main import main
from nightseg_ros.drive.render import Renderer
from nightseg_ros.trials.live.film import Film
from nightseg_ros.trials.live.graph import LiveGraph

pytestmark = pytest.mark.ros
FRAMES = 4
RAW, JPEG = "/cam/image", "/cam/image/compressed"


def masks(folder: Path):
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))]


def blocks(seed, top=256):
    """Return a picture that JPEG leaves most of."""
    return bags.picture(seed, (9, 15), top).repeat(10, axis=0).repeat(10, axis=1)


def nightseg(*words):
    assert main([str(word) for word in words]) == 0


def record(path: Path, frames, *, compressed=False, step=1) -> Path:
    content = []
    for i, frame in enumerate(frames):
        at = bags.stamp(step * i)
        message = bags.jpeg(at, bags.jpeg_bytes(frame)) if compressed else bags.raw(at, frame)
        content.append((JPEG if compressed else RAW, at, message))
    return bags.write_bag(path, content)


def play(bag: Path, topic: str, **parameters):
    """Return the masks of a node that is a process of its own, one for each frame of the bag."""
    found = []
    film = Film(Bag(bag), [topic])
    with LiveGraph(
        parameters,
        compressed=film.compressed,
        on_mask=lambda _, data: found.append(pixels_of(deserialize_message(data, Image))),
    ) as graph:
        for frame in film:  # one by one, so that none is ever dropped
            before = len(found)
            graph.run([frame])
            assert len(found) == before + 1
    return found


def assert_identical(*several):
    assert {len(one) for one in several} == {FRAMES}
    for first, *others in zip(*several, strict=True):
        assert len(np.unique(first)) > 1
        for other in others:
            np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("route", ["day", "night", "translate"])
def test_live_replayed_and_segmented_masks_are_identical(start, tmp_path: Path, route: str):
    frames = [bags.picture(i, (90, 150)) for i in range(FRAMES)]
    models = tiny.models_folder(tmp_path / "models")
    assert_same_everywhere(start, tmp_path, frames, models, route)


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        ("segformer", "ade20k150", ()),
        ("fpn", "cityscapes19", ()),
        ("deeplab", "voc21", ("--size", "96x64", "--output", "out")),
    ],
)
def test_so_are_those_of_networks_that_nobody_here_wrote(start, tmp_path, name, labels, words):
    pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[export]'")
    from support.public_networks import public_onnx

    file, models = tmp_path / f"{name}.onnx", tmp_path / "models"
    file.write_bytes(public_onnx(name))
    facts = ["--labels", labels, "--normalise", "imagenet", "--route", "night"]
    nightseg("import", file, "--out", models / name, *facts, *words, "--frames-count", 1)
    frames = [blocks(i) for i in range(FRAMES)]
    assert_same_everywhere(start, tmp_path, frames, models, "night", allowed_routes="[night]")


def assert_same_everywhere(start, tmp_path, frames, models: Path, route: str, **parameters):
    options = ["--models", models, "--engine", "onnxruntime-cpu", "--route", route]

    bag = record(tmp_path / "bag.mcap", frames)
    nightseg("replay", bag, "--out", tmp_path / "replay", "--masks", *options)
    replayed = masks(tmp_path / "replay/masks/cam__image")

    (tmp_path / "stills").mkdir()
    for i, frame in enumerate(frames):
        assert cv2.imwrite(str(tmp_path / f"stills/{i}.png"), frame)
    nightseg("segment", tmp_path / "stills", "--out", tmp_path / "segment", *options)
    segmented = masks(tmp_path / "segment")

    graph = start(models_dir=models, engine="onnxruntime-cpu", route=route, **parameters)
    camera, seen = graph.camera(), graph.watch()
    graph.connected(camera)
    for i, frame in enumerate(frames):
        camera.publish(image(frame, float(i + 1)))
        assert graph.got(seen, i + 1)
    assert_identical([pixels_of(message) for message in seen], replayed, segmented)


def test_jpeg_on_the_wire_in_a_bag_and_in_a_file(tmp_path: Path):
    models = tiny.models_folder(tmp_path / "models")
    frames = [blocks(i) for i in range(FRAMES)]
    options = ["--models", models, "--engine", "onnxruntime-cpu", "--route", "day"]

    bag = record(tmp_path / "bag.mcap", frames, compressed=True)
    nightseg("replay", bag, "--out", tmp_path / "replay", "--masks", *options)
    (tmp_path / "stills").mkdir()
    for i, frame in enumerate(frames):
        (tmp_path / f"stills/{i}.jpg").write_bytes(bags.jpeg_bytes(frame).tobytes())
    nightseg("segment", tmp_path / "stills", "--out", tmp_path / "segment", *options)
    live = play(bag, JPEG, models_dir=str(models), engine="onnxruntime-cpu", route="day")
    assert_identical(live, masks(tmp_path / "replay/masks/cam__image"), masks(tmp_path / "segment"))


def test_a_video_replayed_and_segmented(tmp_path: Path):
    """By route auto: the time of the frames, which routing goes by, is the same as well."""
    models = tiny.models_folder(tmp_path / "models")
    path = tmp_path / "drive.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 1.0, (150, 90))
    for i, top in enumerate((256, 256, 40, 40)):
        writer.write(blocks(i, top))
    writer.release()
    options = ["--models", models, "--engine", "onnxruntime-cpu"]
    nightseg("replay", path, "--out", tmp_path / "replay", "--masks", *options)
    nightseg("segment", path, "--out", tmp_path / "segment", *options)
    assert_identical(masks(tmp_path / "replay/masks/video__image"), masks(tmp_path / "segment"))


@pytest.mark.slow
def test_shipped_models(tmp_path: Path, repository: Path):
    """Rendered frames; the replay finds the route by itself, the others are logged."""
    models = repository / "models"
    renderer = Renderer(1, 40, (320, 180))
    drive = [renderer.frame(i).image_bgr for i in range(40)]
    bag = record(tmp_path / "bag.mcap", [drive[i] for i in (0, 4, 38, 39)], step=40)
    chosen = {"day": "erf_pspnet_fast_day", "night": "erf_pspnet_fast_night"}
    options = ["--models", models, "--engine", "onnxruntime-cpu"]
    named = [word for name in chosen.values() for word in ("--model", name)]
    nightseg("replay", bag, "--out", tmp_path / "replay", "--masks", *options, *named)

    segmented, live = [], []
    for route, part in (("day", (0, 4)), ("night", (38, 39))):
        (tmp_path / route).mkdir()
        for i in part:
            assert cv2.imwrite(str(tmp_path / f"{route}/{i:02}.png"), drive[i])
        out = tmp_path / f"segment_{route}"
        model = ("--model", chosen[route])
        nightseg("segment", tmp_path / route, "--out", out, *options, *model, "--route", route)
        segmented += masks(out)
        own = record(tmp_path / f"bag_{route}.mcap", [drive[i] for i in part])
        parameters = {f"{route}_model": chosen[route], "allowed_routes": [route]}
        parameters |= {"models_dir": str(models), "engine": "onnxruntime-cpu", "route": route}
        live += play(own, RAW, **parameters)
    assert_identical(live, masks(tmp_path / "replay/masks/cam__image"), segmented)
