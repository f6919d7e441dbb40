# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""/diagnostics on a real graph: what runs, how fast, and why no image arrives."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from support.segmentation_graph import image, picture

from nightseg_ros.ros import logs, reports, segmentation_node
from nightseg_ros.ros.qos import newest_only

pytestmark = pytest.mark.ros

OK, WARN, ERROR = range(3)


def test_running_node_reports_all(start):
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for index in range(5):
        message = image(picture())
        message.header.stamp = graph.peer.get_clock().now().to_msg()
        camera.publish(message)
        assert graph.got(masks, index + 1)
    assert graph.status("lifecycle")[:2] == (OK, "active")
    level, _, values = graph.status("input")
    assert level == OK
    assert values["topic"] == "/image"
    assert values["received"] == values["published"] == "5"
    assert 0.0 < float(values["age_ms"]) < 5000.0
    assert float(values["rate_hz"]) > 0.0
    assert values["publisher 1"] == "/peer (reliable, volatile)"
    level, message, values = graph.status("route")
    assert level == OK
    assert message.startswith("day: illumination ")
    assert 0.8 < float(values["illumination"]) <= 1.0
    level, message, values = graph.status("processing_time_status")
    assert (level, message) == (OK, "OK")
    assert float(values["processing_time_ms"]) > 0.0
    assert float(values["overhead_p99_ms"]) > 0.0
    level, message, values = graph.status("backend")
    assert (level, message) == (OK, "day, night, translator on fake (none)")
    assert values["day.sha256"] == graph.session.models.bundles["day"].sha256
    assert graph.status("qos")[0] == OK


def test_the_page_names_every_status(start, repository):
    graph = start()
    assert graph.until(lambda: "qos" in graph.statuses)
    page = (repository / "doc/reference/diagnostics.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` (?!\(overlay)", page, re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == {*graph.statuses, "diagnostics"}  # that one replaces all others


def test_slow_engine_is_an_error_while_it_hangs(start):
    graph = start(
        allowed_routes="[day]",
        **{
            "diagnostics.max_allowed_processing_time_ms": 50.0,
            "diagnostics.max_acceptable_consecutive_delay_ms": 200.0,
        },
    )
    graph.engines["day"].delay_s = 3.0
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.until(
        lambda: graph.statuses.get("processing_time_status", (OK,))[0] == ERROR, seconds=2.9
    )
    assert masks == []


def test_slow_frames_are_forgotten_when_nobody_listens_any_more(start):
    graph = start(
        allowed_routes="[day]",
        **{
            "diagnostics.max_allowed_processing_time_ms": 10.0,
            "diagnostics.max_acceptable_consecutive_delay_ms": 20.0,
        },
    )
    graph.engines["day"].delay_s = 0.1
    seen = []
    viewer = graph.peer.create_subscription(Image, "segmentation_node/mask", seen.append, 1)
    camera = graph.camera()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(seen)
    assert graph.status("processing_time_status")[0] == ERROR
    graph.peer.destroy_subscription(viewer)
    assert graph.until(lambda: camera.get_subscription_count() == 0)
    level, message, values = graph.status("processing_time_status")
    assert (level, message) == (OK, "Waiting for the node to perform inference")
    assert values["consecutive_processing_delay_ms"] == "n/a"


def test_silence_names_the_topic_and_asks_for_a_remapping(start):
    graph = start(no_image_warn_s=0.1)
    graph.watch()
    assert graph.until(lambda: graph.statuses.get("input", (OK,))[0] == WARN)
    assert "on /image: no publisher; remap it to" in graph.statuses["input"][1]


def test_silence_names_the_publisher_that_does_not_send(start):
    graph = start(no_image_warn_s=0.1)
    graph.watch()
    graph.camera()
    assert graph.until(lambda: "/peer (reliable" in graph.statuses.get("input", (OK, ""))[1])


def test_silence_notices_images_on_the_other_transport(start):
    graph = start(no_image_warn_s=0.1)
    graph.watch()
    graph.camera("image/compressed", CompressedImage)
    words = "/image/compressed has a publisher: set input_transport to compressed"
    assert graph.until(lambda: words in graph.statuses.get("input", (OK, ""))[1])


def test_silence_is_logged_once_and_so_is_its_end(start, capfd, monkeypatch):
    monkeypatch.setattr(logs, "HELD_S", 0.3)
    graph = start(no_image_warn_s=0.3)
    graph.watch()
    assert graph.until(lambda: graph.statuses.get("input", (OK,))[0] == WARN)
    graph.settle(0.5)
    log = capfd.readouterr().err
    assert log.count("input: no image for 0.") == 1
    assert "[WARN]" in next(line for line in log.splitlines() if "input: no image" in line)
    camera = graph.camera()
    graph.connected(camera)
    for second in range(1, 9):
        camera.publish(image(picture(), second))
        graph.settle(0.1)
    log = capfd.readouterr().err
    assert log.count("input: images arrive") == 1
    assert "[INFO]" in next(line for line in log.splitlines() if "input: images" in line)


def test_what_is_logged_where_it_happens_is_not_logged_as_a_status_too(start, capfd):
    graph = start()
    camera = graph.camera()
    graph.watch()
    graph.connected(camera)
    bad = image(picture())
    bad.encoding = "32FC1"
    camera.publish(bad)
    assert graph.until(lambda: graph.statuses.get("input", (OK,))[0] == WARN)
    graph.settle()
    assert capfd.readouterr().err.count("encoding '32FC1' is unknown") == 1


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"lazy": True}, "reads /image; waits for a subscriber of /segmentation_node/mask or an"),
        ({"lazy": False}, "active: reads /image\n"),
        (
            {"cameras": "[front, left]"},
            "reads /front/image, /left/image; waits for a subscriber of "
            "/segmentation_node/front/mask, /segmentation_node/left/mask or",
        ),
    ],
)
def test_activation_reports_what_is_read_and_what_is_waited_for(start, capfd, parameters, words):
    start(**parameters)
    assert words in capfd.readouterr().err


def test_silence_offers_the_images_that_there_are(start):
    graph = start(no_image_warn_s=0.1)
    graph.watch()
    graph.camera("/front/image_raw")
    graph.camera("/depth/points_preview")
    graph.camera("/other/mask")  # a mask is no image of a camera
    words = "no publisher; raw images are on /front/image_raw, /depth/points_preview: remap image"
    assert graph.until(lambda: words in graph.statuses.get("input", (OK, ""))[1])


def test_silence_offers_images_of_the_other_transport(start):
    graph = start(no_image_warn_s=0.1)
    graph.watch()
    graph.camera("/front/image_raw/compressed", CompressedImage)
    words = (
        "compressed images are on /front/image_raw/compressed: set input_transport to compressed "
        "and remap image/compressed to the camera's topic"
    )
    assert graph.until(lambda: words in graph.statuses.get("input", (OK, ""))[1])


@pytest.mark.parametrize("published", [True, False])
def test_raw_topic_with_the_name_of_compressed_images_gets_its_remedy(start, published):
    driver = rclpy.Context()  # Fast DDS allows a topic one type only, within one process
    driver.init()
    try:
        if published:
            node = rclpy.create_node("driver", context=driver)
            node.create_publisher(CompressedImage, "/front/image/compressed", 1)
        graph = start(remap=["image:=/front/image/compressed"], no_image_warn_s=0.1)
        graph.watch()
        words = (
            "/front/image/compressed is for compressed images: set input_transport to compressed "
            "and remap image/compressed to it"
        )
        assert graph.until(lambda: words in graph.statuses.get("input", (OK, ""))[1])
    finally:
        driver.shutdown()


def test_statuses_in_a_namespace_report_whose_they_are(start):
    graph = start(namespace="/car")
    assert graph.until(lambda: "car/segmentation_node: lifecycle" in graph.statuses)


def test_publisher_that_does_not_fit_is_reported_with_its_policy(start, capfd):
    """An override makes the node ask for reliable images; the camera sends best effort."""
    graph = start(
        no_image_warn_s=0.1, **{"qos_overrides./image.subscription.reliability": "reliable"}
    )
    graph.watch()
    camera = graph.camera(profile=newest_only())
    assert graph.until(lambda: graph.statuses.get("qos", (OK,))[0] == WARN)
    assert "/image" in graph.statuses["qos"][1]
    assert "reliability" in graph.statuses["qos"][2]["/image"]
    log = capfd.readouterr().err
    assert log.count("/image: a publisher offers an incompatible reliability") == 1
    assert camera.get_subscription_count() == 0
    assert "does not match" in graph.status("input")[1]


def test_subscriber_that_does_not_fit_is_reported_until_it_leaves(start, capfd, monkeypatch):
    monkeypatch.setattr(segmentation_node, "NOTICE_S", 0.5)
    graph = start()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    viewer = graph.peer.create_subscription(
        Image, "segmentation_node/mask", lambda _: None, latched
    )
    assert graph.until(lambda: graph.statuses.get("qos", (OK,))[0] == WARN)
    assert "durability" in graph.statuses["qos"][2]["/segmentation_node/mask"]
    log = capfd.readouterr().err
    assert "/segmentation_node/mask: a subscriber asks for an incompatible durability" in log
    graph.settle(0.8)
    assert graph.status("qos")[0] == WARN
    graph.peer.destroy_subscription(viewer)
    assert graph.until(lambda: graph.statuses["qos"][0] == OK)


def test_fallback_is_loud(start, tmp_path, write_models, capfd):
    folder = write_models(tmp_path)
    (folder / "night" / "model.onnx").write_bytes(b"damaged")
    graph = start(models_dir=folder, allow_fallback=True)
    level, message, values = graph.status("backend")
    assert level == WARN
    assert "sha256 of model.onnx" in message
    assert "sha256 of model.onnx" in values["fallback_reason"]
    assert values["unavailable_routes"].startswith("route night is unavailable")
    assert "FALLBACK: " in capfd.readouterr().err


def test_every_camera_has_its_own_tasks(start):
    graph = start(cameras="[front, left]")
    graph.status("route left")
    tasks = {"input front", "input left", "route front", "route left", "backend", "qos"}
    assert tasks <= graph.statuses.keys()


def test_node_that_is_not_configured_reports_it(start):
    graph = start(up=False)
    assert graph.status("lifecycle")[:2] == (OK, "unconfigured")
    assert graph.node.trigger_configure()
    assert graph.status("lifecycle")[:2] == (OK, "inactive")
    assert graph.status("input")[1] == "not subscribed: the node is inactive"


def test_fault_in_the_diagnostics_does_not_end_the_node(start, monkeypatch):
    graph = start()
    monkeypatch.setattr(graph.session, "reports", lambda active: 1 / 0)
    level, message, _ = graph.status("diagnostics")
    assert (level, message) == (ERROR, "ZeroDivisionError: division by zero")


def test_second_node_of_the_same_name_is_a_warning(start, monkeypatch):
    monkeypatch.setattr(segmentation_node, "DUPLICATE_S", 0.5)
    graph = start()
    assert graph.status("lifecycle")[:2] == (OK, "active")
    double = rclpy.create_node("segmentation_node", use_global_arguments=False)
    try:
        assert graph.until(lambda: graph.statuses.get("lifecycle", (OK,))[0] == WARN)
        assert "; 2 nodes are called /segmentation_node" in graph.statuses["lifecycle"][1]
    finally:
        double.destroy_node()
    assert graph.until(lambda: graph.statuses["lifecycle"][:2] == (OK, "active"))


def test_rejected_image_is_named_for_a_while(start, monkeypatch):
    monkeypatch.setattr(reports, "REJECTED_S", 0.5)
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)
    bad = image(picture(), 2.0)
    bad.encoding = "32FC1"
    camera.publish(bad)
    assert graph.until(lambda: graph.statuses.get("input", (OK,))[0] == WARN)
    assert "; recently rejected: encoding '32FC1' is unknown" in graph.statuses["input"][1]
    assert graph.until(lambda: graph.statuses["input"][0] == OK)


def test_flood_of_bad_images_does_not_silence_the_engine(start, capfd):
    graph = start(allowed_routes="[day]")
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for index in range(15):
        bad = image(picture(), 1.0 + index)
        bad.encoding = "x" * index + "unknown"
        camera.publish(bad)
        graph.settle(0.02)
    graph.engines["day"].fail_next = 1
    camera.publish(image(picture(), 30.0))
    assert graph.until(lambda: "set to fail" in graph.statuses["input"][1])
    assert "could not be segmented: the fake engine was set to fail" in capfd.readouterr().err
    assert masks == []


def test_images_that_are_overwritten_before_the_node_looks_are_counted(start):
    """The depth of the subscription is one, and no event of the middleware reports it."""
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)
    for index in range(5):
        camera.publish(image(picture(), 2.0 + index))
    assert graph.got(masks, 2)
    key = "missed: overwritten or lost"
    assert graph.until(lambda: graph.statuses.get("input", (OK, "", {}))[2].get("received") == "2")
    logged = "publisher_gid" in getattr(rclpy.subscription.MessageInfo, "__annotations__", {})
    assert graph.statuses["input"][2][key] == ("4" if logged else "n/a")
    assert graph.statuses["input"][2]["lost by the middleware"] == "0"
