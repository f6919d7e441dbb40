# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of cameras and their drivers: they stop, restart, and change their settings."""

from __future__ import annotations

import itertools

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from nightseg_ros.ros.qos import newest_only
from nightseg_ros.trials.faults.fault import fault
from nightseg_ros.trials.faults.stage import COMPRESSED, RAW, REAL, SIMULATED, Stage

SIZES = ((480, 640), (1, 1), (7, 300), (61, 81), (720, 1280), (60, 80))
ENCODINGS = ("rgb8", "mono8", "rgba8", "bgra8", "yuv422_yuy2", "bayer_rggb8", "bgr8")


@fault(
    "camera stops",
    "no image for 1.5 s",
    r"no image for \S+ s on /camera/image",
    settings=(RAW, COMPRESSED),
)
def _stops(stage: Stage) -> None:
    stage.turn(1.5)


@fault("camera restarts", "its publisher goes and comes")
def _restarts(stage: Stage) -> None:
    for _ in range(1 if stage.short else 5):
        stage.observer.close_camera()
        stage.turn(0.3)
        stage.observer.camera = stage.observer.open_camera()
        stage.stream(0.3)


@fault("size changes", "with every frame, down to 1x1", settings=(RAW, REAL))
def _changes_size(stage: Stage) -> None:
    sizes = itertools.cycle(SIZES)
    stage.stream(0.6 if stage.short else 3.0, 10.0, lambda: stage.observer.frame(next(sizes)))


@fault(
    "encoding changes",
    "with every frame, and to an unknown one",
    "encoding '32FC1' is unknown",
    settings=(RAW, REAL),
)
def _changes_encoding(stage: Stage) -> None:
    encodings = itertools.cycle(ENCODINGS)
    frame = stage.observer.frame
    stage.stream(0.7 if stage.short else 3.0, 10.0, lambda: frame(encoding=next(encodings)))
    unknown = frame()
    unknown.encoding = "32FC1"
    stage.observer.send(unknown)
    stage.turn(0.2)


@fault("rate changes", "200, 2, 60 and 1 Hz")
def _changes_rate(stage: Stage) -> None:
    for hz in (200.0, 2.0, 60.0, 1.0):
        stage.stream(0.5 if stage.short else 2.0, hz)


@fault("QoS changes", "best effort, latched, reliable")
def _changes_qos(stage: Stage) -> None:
    latched = QoSProfile(
        depth=5, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
    )
    for profile in (newest_only("best_effort"), latched, newest_only("reliable")):
        stage.observer.close_camera()
        stage.observer.camera = stage.observer.open_camera(profile)
        stage.stream(0.4)


@fault("stamps jump", "an hour forward and back", "older than that of an image before it")
def _stamps_jump(stage: Stage) -> None:
    """Also a system clock that is set, as seen from the driver."""
    observer = stage.observer
    now_ns = observer.get_clock().now().nanoseconds
    for jump_s in (3600, 0, -3600, 0):
        for index in range(4):
            stamp_ns = now_ns + (jump_s * 10 + index) * 10**8
            observer.send(observer.frame(stamp_ns=stamp_ns))
            stage.turn(0.05)


@fault("bag loops", "the same stamps three times", "older than that of an image before it")
def _bag_loops(stage: Stage) -> None:
    observer = stage.observer
    begin_ns = observer.get_clock().now().nanoseconds
    frames = [observer.frame(stamp_ns=begin_ns + index * 10**8) for index in range(6)]
    for _ in range(3):
        for frame in frames:
            observer.send(frame)
            stage.turn(0.04)


@fault("clock jumps", "simulated time, back and forth", settings=(SIMULATED,))
def _clock_jumps(stage: Stage) -> None:
    from rosgraph_msgs.msg import Clock

    for seconds in (100, 5000, 40, 41, 9000, 41):
        for index in range(3):
            message = Clock()
            message.clock.sec, message.clock.nanosec = seconds, index * 10**8
            stage.observer.clock.publish(message)
            stamp_ns = seconds * 10**9 + index * 10**8
            stage.observer.send(stage.observer.frame(stamp_ns=stamp_ns))
            stage.turn(0.05)
