# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames under pressure: drops, turns, laziness, bad images, failing engines, odd clocks."""

from __future__ import annotations

import time
from array import array
from collections import Counter

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from rclpy.parameter import Parameter
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32, String
from support.segmentation_graph import RELIABLE, image, picture, pixels_of, stamp

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros import segmenter
from nightseg_ros.ros.cameras import Frame
from nightseg_ros.ros.mailbox import Outcome
from nightseg_ros.ros.qos import newest_only

pytestmark = pytest.mark.ros


def test_drops_are_counted_and_the_newest_frame_is_never_lost(start):
    graph = start(fake_delay_ms=500.0)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for second in range(40):
        camera.publish(image(picture(), second))
        graph.settle(0.02)
    counts = graph.done(40)
    assert counts.outcomes[Outcome.REPLACED] == counts.dropped > 20
    assert graph.until(lambda: len(masks) == counts.published)
    stamps = [mask.header.stamp.sec for mask in masks]
    assert stamps[-1] == 39
    assert stamps == sorted(set(stamps))


def test_executor_stays_free_while_the_engine_works(start):
    """Frames are counted, that is received, while the worker sits in one long run."""
    graph = start(fake_delay_ms=1000.0, allowed_routes="[day]")
    camera, _ = graph.camera(), graph.watch()
    graph.connected(camera)
    for second in range(10):
        camera.publish(image(picture(), second))
        graph.settle(0.02)
    assert graph.counts().received == 10
    assert graph.counts().published == 0


def test_cameras_take_turns(start):
    """One camera floods, two are slow; each frame of the slow ones gets its mask."""
    graph = start(cameras="[flood, left, right]", fake_delay_ms=100.0)
    names = ("flood", "left", "right")
    cameras = {name: graph.camera(f"{name}/image") for name in names}
    masks = {name: graph.watch(f"{name}/mask") for name in names}
    graph.connected(*cameras.values())
    for tick in range(60):
        cameras["flood"].publish(image(picture(seed=1), tick))
        if tick % 15 == 0:
            for name, seed in (("left", 2), ("right", 3)):
                message = image(picture(seed=seed), tick, frame_id=name)
                cameras[name].publish(message)
        graph.settle(0.03)
    counts = {name: graph.done(4, name) for name in ("left", "right")}
    # Best effort and newest only: of a flood the middleware itself may leave a frame out.
    assert graph.until(lambda: graph.counts("flood").in_flight == 0)
    counts["flood"] = graph.counts("flood")
    assert 50 <= counts["flood"].received <= 60
    assert counts["left"].published == counts["right"].published == 4
    assert counts["flood"].dropped > 0
    assert graph.until(lambda: all(len(masks[name]) == counts[name].published for name in names))
    for name, seed in (("flood", 1), ("left", 2), ("right", 3)):
        np.testing.assert_array_equal(
            pixels_of(masks[name][-1]), picture(seed=seed)[..., 1] // 8 % 19
        )
    assert {mask.header.frame_id for mask in masks["left"]} == {"left"}


def test_rate_limit(start):
    graph = start(max_rate_hz=2.0)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    begin = time.monotonic()
    for tick in range(60):
        camera.publish(image(picture(), tick))
        graph.settle(0.02)
    most = 1 + 2.0 * (time.monotonic() - begin)
    # A busy machine may overwrite some before the node takes them.
    assert graph.until(lambda: graph.counts().received >= 50 and not graph.counts().in_flight)
    graph.settle()
    counts = graph.counts()
    assert 2 <= counts.published <= most
    assert counts.outcomes[Outcome.RATE] > 30
    assert graph.until(lambda: len(masks) == counts.published)


def test_lazy_camera_is_left_alone_until_somebody_listens(start):
    graph = start()
    camera = graph.camera()
    graph.settle(0.5)
    assert camera.get_subscription_count() == 0
    viewer = graph.peer.create_subscription(
        Image, "segmentation_node/color_mask", lambda _: None, RELIABLE
    )
    graph.connected(camera)
    graph.peer.destroy_subscription(viewer)
    assert graph.until(lambda: camera.get_subscription_count() == 0)
    graph.watch("illumination", Float32)
    graph.connected(camera)


def test_watching_the_times_starts_no_camera(start):
    graph = start()
    camera = graph.camera()
    graph.watch("debug/total_ms", Float32, 10)
    graph.settle(1.3)
    assert camera.get_subscription_count() == 0


def test_lazy_is_switched_at_run_time(start):
    graph = start(lazy=False)
    camera = graph.camera()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.done(1).published == 1  # although nobody listens
    graph.node.set_parameters([Parameter("lazy", value=True)])
    assert graph.until(lambda: camera.get_subscription_count() == 0)
    graph.node.set_parameters([Parameter("lazy", value=False)])
    graph.connected(camera)


def test_frame_that_nobody_waits_for_any_more_is_dropped_and_counted(start):
    graph = start()
    graph.session.mailbox.put("", Frame(image(picture()), time.perf_counter()))
    assert graph.done(1).outcomes[Outcome.UNWATCHED] == 1
    assert graph.engines["day"].runs == 1  # to warm up


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [("publish", Outcome.PUBLISHED), ("publish_mask", Outcome.UNPUBLISHED)],
)
def test_what_fails_after_the_engine_does_not_count_against_it(
    start, monkeypatch, capfd, broken, outcome
):
    graph = start(max_failures=1)
    camera, masks = graph.camera(), graph.watch()
    routes, confidences = graph.watch("route", String), graph.watch("confidence")
    graph.connected(camera)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == 3)
    outputs = graph.session.outputs[""]
    original = getattr(outputs, broken)

    def fail(*given):
        if broken == "publish_mask" or given[0] == "confidence":
            raise ZeroDivisionError("a bug")
        return original(*given)

    with monkeypatch.context() as patch:
        patch.setattr(outputs, broken, fail)
        for second in range(3):
            camera.publish(image(picture(), second))
            counts = graph.done(second + 1)
    assert counts.outcomes == {outcome: 3}
    assert graph.status("engine")[:2] == (0, "working")
    name = "mask" if broken == "publish_mask" else "confidence"
    words = f"camera: {name} could not be published: ZeroDivisionError: a bug"
    assert capfd.readouterr().err.count(words) == 1
    camera.publish(image(picture(), 3))
    assert graph.until(lambda: confidences)
    assert graph.got(masks, 4 if outcome is Outcome.PUBLISHED else 1)
    assert graph.got(routes, len(masks))


def test_only_what_is_watched_is_made(start, monkeypatch):
    from nightseg_ros.ros import publishers

    made = Counter()
    for name in ("colorize", "fill_png"):
        original = getattr(publishers, name)

        def counting(*args, name=name, original=original, **kwargs):
            made[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(publishers, name, counting)
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)
    assert not made
    pngs = graph.watch("mask/compressed", CompressedImage)
    assert graph.until(lambda: "mask/compressed" in graph.session.outputs[""].watched())
    camera.publish(image(picture(), 2.0))
    assert graph.got(pngs)
    assert made == {"fill_png": 1}


def test_stage_times_are_published(start):
    graph = start(fake_delay_ms=30.0)
    camera, _ = graph.camera(), graph.watch()
    stages = {
        stage: graph.watch(f"debug/{stage}_ms", Float32, 10)
        for stage in (
            "preprocess",
            "translate",
            "inference",
            "postprocess",
            "total",
            "overhead",
            "age",
        )
    }
    graph.connected(camera)
    assert graph.until(
        lambda: all(
            x.get_subscription_count()
            for x in graph.session.segmenter.debug[""].values()
            if x.topic_name.rsplit("/", 1)[1].removesuffix("_ms") in stages
        )
    )
    message = image(picture())
    message.header.stamp = graph.peer.get_clock().now().to_msg()
    camera.publish(message)
    assert graph.until(lambda: all(stages.values()))
    times = {stage: seen[0].data for stage, seen in stages.items()}
    assert times["translate"] == 0.0
    assert times["inference"] >= 30.0
    assert times["total"] >= times["inference"] + times["overhead"] - 0.001
    assert times["age"] >= times["total"] - 0.001


def test_stage_times_of_a_camera_are_of_its_own_frames(start):
    graph = start(cameras="[front, left]")
    cameras = {name: graph.camera(f"{name}/image") for name in ("front", "left")}
    times = {name: graph.watch(f"{name}/debug/total_ms", Float32, 10) for name in cameras}
    masks = {name: graph.watch(f"{name}/mask") for name in cameras}
    graph.connected(*cameras.values())
    debug = graph.session.segmenter.debug
    assert graph.until(lambda: all(debug[x]["total"].get_subscription_count() for x in cameras))
    for second in (1.0, 2.0, 3.0):
        cameras["left"].publish(image(picture(), second))
        assert graph.got(masks["left"], int(second))
    cameras["front"].publish(image(picture()))
    assert graph.got(times["front"])
    assert graph.got(times["left"], 3)
    graph.settle()
    assert {name: len(seen) for name, seen in times.items()} == {"front": 1, "left": 3}


def broken(**changes):
    """Return an image message with some fields changed."""
    message = image(picture())
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def with_stamp(sec, nanosec):
    message = image(picture())
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    return message


BAD_IMAGES = {
    "no size": (broken(width=0, height=0, step=0, data=array("B")), "0x0 is empty"),
    "cut off": (broken(data=array("B", bytes(100))), "the message holds 100"),
    "step": (broken(step=10), "step 10 is too small"),
    "encoding": (broken(encoding="32FC1"), "encoding '32FC1'"),
    "no encoding": (broken(encoding=""), "encoding ''"),
    "100 megapixels": (
        broken(width=12000, height=9000, step=36000, data=array("B", bytes(8))),
        "12000x9000 is over the limit",
    ),
    "2^64 bytes": (broken(width=2**32 - 1, height=2**32 - 1, step=2**32 - 1), "over the limit"),
    "nanoseconds": (with_stamp(5, 2_000_000_000), "is not a valid time"),
    "negative": (with_stamp(-5, 0), "is not a valid time"),
}


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_bad_image_is_rejected_with_a_word_and_the_next_is_served(start, capfd, name):
    message, words = BAD_IMAGES[name]
    graph = start(cameras="[front]")
    camera, masks = graph.camera("front/image"), graph.watch("front/mask")
    graph.connected(camera)
    for _ in range(3):
        camera.publish(message)
        graph.settle(0.05)
    counts = graph.done(3, "front")
    assert counts.rejected == 3
    log = capfd.readouterr().err
    assert log.count("[ERROR]") == 1
    assert "camera 'front': image on /front/image: " in log
    assert words in log
    good = picture(seed=4)
    camera.publish(image(good, 100.0))
    assert graph.got(masks)
    np.testing.assert_array_equal(pixels_of(masks[0]), good[..., 1] // 8 % 19)
    assert len(masks) == 1


def jpeg(pixels):
    return cv2.imencode(".jpg", pixels)[1].tobytes()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither JPEG nor PNG"),
        (b"not an image", "neither JPEG nor PNG"),
        (jpeg(picture(60, 90))[:-700], "cut off"),
        (
            jpeg(picture(60, 90)).replace(b"\x08\x00\x3c\x00\x5a", b"\x08\xff\xdc\xff\xdc", 1),
            "over the limit",
        ),
    ],
    ids=["empty", "garbage", "cut off", "claims gigapixels"],
)
def test_bad_compressed_image(start, capfd, data, words):
    graph = start(input_transport="compressed")
    camera, masks = graph.camera("image/compressed", CompressedImage), graph.watch()
    graph.connected(camera)
    camera.publish(CompressedImage(format="jpeg", data=data))
    assert graph.done(1).rejected == 1
    assert words in capfd.readouterr().err
    camera.publish(CompressedImage(format="jpeg", data=jpeg(picture(60, 90))))
    assert graph.got(masks)
    assert (masks[0].width, masks[0].height) == (90, 60)


def test_images_that_no_camera_makes_are_rejected_before_they_are_decoded(start, capfd):
    """Within the limit of memory, and still seconds of decoding for 90 kB."""
    graph = start(input_transport="compressed", max_megapixels=0.01)
    camera, masks = graph.camera("image/compressed", CompressedImage), graph.watch()
    graph.connected(camera)
    camera.publish(CompressedImage(format="jpeg", data=jpeg(picture(100, 101))))
    assert graph.done(1).outcomes[Outcome.BAD_IMAGE] == 1
    words = "image size 101x100 is over the limit of 0.01 megapixels; a node takes more with"
    assert words in capfd.readouterr().err
    camera.publish(CompressedImage(format="jpeg", data=jpeg(picture(100, 100))))
    assert graph.got(masks)
    graph.node.set_parameters([Parameter("max_megapixels", value=0.0101)])
    camera.publish(CompressedImage(format="jpeg", data=jpeg(picture(100, 101))))
    assert graph.got(masks, 2)


def test_time_of_decoding_is_no_hang_of_the_engine(start, monkeypatch):
    graph = start(engine_timeout_s=0.3)
    decode = segmenter.decode

    def slowly(*arguments):
        time.sleep(1.0)
        return decode(*arguments)

    monkeypatch.setattr(segmenter, "decode", slowly)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)
    assert graph.status("engine")[:2] == (0, "working")


def test_image_without_memory_to_decode_it_does_not_count_against_the_engine(start, monkeypatch):
    graph = start(max_failures=1)

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(segmenter, "decode", full)
    camera = graph.camera()
    graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.done(1).outcomes == {Outcome.BAD_IMAGE: 1}
    assert graph.status("engine")[:2] == (0, "working")


def test_frame_out_of_order_is_rejected_and_a_new_start_of_the_bag_is_not(start, capfd):
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for seconds in (10.0, 10.1, 10.05, 10.2, 2.0, 2.1, 2.2):
        camera.publish(image(picture(), seconds))
        graph.settle(0.05)
    counts = graph.done(7)
    assert counts.outcomes[Outcome.BAD_STAMP] == 2
    assert graph.got(masks, 5)
    assert [mask.header.stamp.sec for mask in masks] == [10, 10, 10, 2, 2]
    assert "0.050 s older than that of an image before it" in capfd.readouterr().err


@pytest.mark.parametrize("kind", [RuntimeError, NightsegError])
def test_failing_engine_publishes_nothing_and_the_next_frame_is_served(start, capfd, kind):
    # Made here: an error that was raised holds the node, and a parameter lives to the last test.
    error = kind("CUDA error 700")
    graph = start(allowed_routes="[day]")
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    graph.engines["day"].failure = error
    graph.engines["day"].fail_next = 2
    for second in range(4):
        camera.publish(image(picture(seed=second), second))
        graph.settle(0.05)
    counts = graph.done(4)
    assert counts.outcomes[Outcome.ENGINE] == 2
    assert graph.got(masks, 2)
    assert [mask.header.stamp.sec for mask in masks] == [2, 3]
    log = capfd.readouterr().err
    assert log.count("[ERROR]") == 1
    assert str(error) in log


def test_best_effort_outputs(start):
    graph = start(output_reliability="best_effort")
    camera, masks = graph.camera(), graph.watch(profile=newest_only())
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)


def test_best_effort_camera_fits(start):
    graph = start()
    camera, masks = graph.camera(profile=newest_only()), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)


def test_qos_is_overridden_by_parameters(start):
    graph = start(
        **{
            "qos_overrides./image.subscription.reliability": "reliable",
            "qos_overrides./segmentation_node/mask.publisher.depth": 7,
        },
        lazy=False,
    )
    (info,) = graph.node.get_subscriptions_info_by_topic("/image")
    assert info.qos_profile.reliability.name == "RELIABLE"
    assert (
        graph.node.get_parameter("qos_overrides./segmentation_node/mask.publisher.depth").value == 7
    )


class SimulatedTime:
    def __init__(self, graph):
        self.graph = graph
        self.clock = graph.peer.create_publisher(Clock, "/clock", 10)
        assert graph.until(self.clock.get_subscription_count)

    def set(self, seconds):
        message = Clock()
        stamp(type("Holder", (), {"header": type("H", (), {"stamp": message.clock})}), seconds)
        self.clock.publish(message)
        node_clock = self.graph.node.get_clock()
        assert self.graph.until(lambda: abs(node_clock.now().nanoseconds * 1e-9 - seconds) < 1e-6)


def test_ages_go_by_simulated_time(start):
    graph = start(use_sim_time=True)
    time_source = SimulatedTime(graph)
    camera, masks, ages = graph.camera(), graph.watch(), graph.watch("debug/age_ms", Float32, 10)
    graph.connected(camera)
    assert graph.until(lambda: graph.session.segmenter.debug[""]["age"].get_subscription_count())
    time_source.set(1000.25)
    camera.publish(image(picture(), 1000.0))
    assert graph.until(lambda: masks and ages)
    assert ages[0].data == pytest.approx(250.0)


def test_simulated_time_that_jumps_back_stalls_nothing(start):
    graph = start(use_sim_time=True, min_dwell_s=5.0, smoothing_s=0.0)
    time_source = SimulatedTime(graph)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for begin in (500.0, 20.0, 300.0, 20.0):
        masks.clear()
        for step in range(3):
            time_source.set(begin + step)
            camera.publish(image(picture(), begin + step))
            assert graph.got(masks, step + 1), (begin, step)
    assert graph.counts().rejected == 0
    # Nor does the dwell time wait for the old time to come round again.
    time_source.set(30.0)
    camera.publish(image(picture(level=10), 30.0))
    assert graph.got(masks, 4)
    assert graph.status("route")[2]["route"] == "night"


def test_diagnostics_continue_while_simulated_time_stands(start):
    graph = start(use_sim_time=True, **{"diagnostics.period_s": 0.1, "no_image_warn_s": 0.1})
    time_source = SimulatedTime(graph)
    time_source.set(10.0)
    camera, _ = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(picture(), 10.0))
    graph.done(1)
    assert graph.until(
        lambda: graph.statuses.get("input", (0, "", {}))[1].endswith("time has stopped")
    )
    assert graph.statuses["input"][0] == 0
