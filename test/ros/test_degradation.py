# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""On a real graph: engines that fail or hang cost few frames, are reported, and recover."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from support.segmentation_graph import image, picture, pixels_of

from nightseg_ros.engines import fake_faults
from nightseg_ros.ros.mailbox import Outcome

pytestmark = pytest.mark.ros

OK, WARN, ERROR = range(3)


@pytest.fixture
def faults(tmp_path, monkeypatch):
    folder = tmp_path / "faults"
    folder.mkdir()
    monkeypatch.setenv(fake_faults.VARIABLE, str(folder))
    yield folder
    fake_faults.clear(folder)


def segmented(graph, camera, masks, second):
    """Publish one frame and wait for its mask, which must be its own."""
    pixels, count = picture(seed=second), len(masks)
    camera.publish(image(pixels, second))
    assert graph.got(masks, count + 1), graph.statuses
    assert masks[-1].header.stamp.sec == second
    np.testing.assert_array_equal(pixels_of(masks[-1]), pixels[..., 1] // 8 % 19)


def test_failing_route_costs_no_frame_and_is_named_immediately(start, faults, capfd):
    graph = start(min_dwell_s=0.0)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    segmented(graph, camera, masks, 1)
    fake_faults.inject(faults, fake_faults.RAISE, "day")
    segmented(graph, camera, masks, 2)
    assert graph.status("route")[2]["route"] == "night"
    assert capfd.readouterr().err.count("route day failed and is paused for 1 s: RuntimeError") == 1
    segmented(graph, camera, masks, 3)
    level, _, values = graph.status("route")
    assert level == WARN
    assert values["left_out"].startswith("day is paused for ")
    graph.settle(1.2)
    segmented(graph, camera, masks, 4)
    assert graph.status("route")[0] == OK
    assert "route day works again; this frame took route day" in capfd.readouterr().err
    assert graph.counts().rejected == 0


def test_only_route_recovers_within_two_frames(start, faults):
    graph = start(allowed_routes="[day]")
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    segmented(graph, camera, masks, 1)
    fake_faults.inject(faults, fake_faults.RAISE)
    camera.publish(image(picture(), 2))
    graph.done(2)
    segmented(graph, camera, masks, 3)
    assert [mask.header.stamp.sec for mask in masks] == [1, 3]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (fake_faults.SHAPE, "instead of uint8 [48, 64], uint8 [48, 64]"),
        (fake_faults.NAN, "returned float32"),
        (fake_faults.IDS, "class id 200 in 'mask', but there are 19 classes"),
        (fake_faults.GARBAGE, "confidence 0 for the whole image"),
        (fake_faults.NOTHING, "returned nothing"),
        (fake_faults.MEMORY, "MemoryError: out of memory"),
    ],
)
def test_what_is_not_a_mask_is_never_published(start, faults, capfd, fault, words):
    graph = start(allowed_routes="[day]")
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    fake_faults.inject(faults, fault)
    camera.publish(image(picture(), 1))
    assert graph.done(1).outcomes[Outcome.ENGINE] == 1
    assert graph.status("engine")[0] == WARN
    assert words in graph.status("engine")[1]
    segmented(graph, camera, masks, 2)
    assert graph.status("engine")[:2] == (OK, "working")
    assert words in capfd.readouterr().err


def test_hung_engine_is_replaced(start, faults, capfd):
    graph = start(engine_timeout_s=0.3)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    segmented(graph, camera, masks, 1)
    fake_faults.inject(faults, fake_faults.HANG)
    camera.publish(image(picture(), 2))
    assert graph.until(lambda: graph.statuses.get("engine", (OK,))[0] == ERROR)
    assert graph.statuses["engine"][1].startswith("hung: a frame has been under way for 0.3 s")
    assert graph.until(lambda: graph.statuses["engine"][0] == WARN)
    segmented(graph, camera, masks, 3)
    assert graph.until(lambda: graph.statuses["engine"][:2] == (OK, "working"))
    assert graph.counts().outcomes[Outcome.HUNG] == 1
    fake_faults.clear(faults)
    assert graph.until(lambda: graph.status("engine")[2]["left_behind"] == "0")
    assert [mask.header.stamp.sec for mask in masks] == [1, 3]
    assert "[ERROR]" in capfd.readouterr().err


def test_exchanged_model_is_not_taken_up_by_a_restart(start, faults, tmp_path, write_models):
    folder = write_models(tmp_path / "models", roles=("day",))
    graph = start(models_dir=folder, allowed_routes="[day]", max_failures=1)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    segmented(graph, camera, masks, 1)
    write_models(folder, roles=("day",), size=(24, 32))
    (folder / "day" / "model.onnx").write_bytes(b"another one")
    segmented(graph, camera, masks, 2)  # what runs is in memory
    fake_faults.inject(faults, fake_faults.RAISE)
    camera.publish(image(picture(), 3))
    assert graph.until(lambda: "sha256" in graph.statuses.get("engine", (0, ""))[1])
    camera.publish(image(picture(), 4))
    graph.settle(0.5)
    assert len(masks) == 2
    write_models(folder, roles=("day",))  # the file comes back, and so do the masks
    assert graph.until(lambda: graph.statuses["engine"][0] == WARN)
    segmented(graph, camera, masks, 5)


def test_new_engines_get_the_settings_of_now(start, faults):
    from rclpy.parameter import Parameter

    graph = start(allowed_routes="[day]", max_failures=1)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    fake_faults.inject(faults, fake_faults.RAISE)
    camera.publish(image(picture(), 1))
    graph.done(1)
    graph.node.set_parameters([Parameter("confidence_threshold", value=1.0)])
    assert graph.until(lambda: "engines are ready" in graph.statuses.get("engine", (0, ""))[1])
    camera.publish(image(np.zeros((48, 64, 3), np.uint8), 2))
    assert graph.got(masks)
    assert (pixels_of(masks[0]) == 255).all()
