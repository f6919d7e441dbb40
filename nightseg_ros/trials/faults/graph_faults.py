# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of the rest of the graph: managers, tools, duplicates, short-lived participants."""

from __future__ import annotations

import random
import time

import rclpy
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import Image

from nightseg_ros.ros.segmentation_node import DUPLICATE_S, NAME
from nightseg_ros.trials.child_nodes import start_child, wait_or_kill
from nightseg_ros.trials.faults.fault import fault
from nightseg_ros.trials.faults.stage import RAW, REAL, STOP_S, BrokenPromiseError, Stage

TRANSITIONS, TRANSITIONS_SHORT = 1000, 25
CHURN, CHURN_SHORT = 50, 4
CHANGES_HZ = 100.0
_USUAL = (
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_ACTIVATE,
    Transition.TRANSITION_DEACTIVATE,
)
_UNKNOWN = (0, 99, 255)


@fault("100 parameter changes a second", "every fifth one is refused", settings=(RAW, REAL))
def _parameters(stage: Stage) -> None:
    """Change them a hundred times a second, every fifth time wrongly."""
    rng = random.Random(1)
    start_s, count = time.monotonic(), 0
    while time.monotonic() - start_s < (1.0 if stage.short else 10.0):
        bad = count % 5 == 4
        values: dict[str, float] = {
            "max_rate_hz": rng.uniform(50.0, 1000.0),
            "min_dwell_s": -1.0 if bad else 0.0,
            "no_image_warn_s": 0.5,
        }
        accepted = stage.set_parameters(**values)
        if accepted != [True, not bad, True]:
            raise BrokenPromiseError(f"parameters {values} were answered with {accepted}")
        if count % 5 == 0:
            stage.observer.send(stage.observer.frame())
        count += 1
        stage.turn(max(0.0, start_s + count / CHANGES_HZ - time.monotonic()))
    stage.set_parameters(max_rate_hz=0.0)


@fault("lifecycle transitions", f"{TRANSITIONS} in random order, also impossible ones")
def _transitions(stage: Stage) -> None:
    """In random order, also those that are not possible or do not exist."""
    rng = random.Random(2)
    for _ in range(TRANSITIONS_SHORT if stage.short else TRANSITIONS):
        number = rng.choice(_USUAL if rng.random() < 0.9 else _UNKNOWN)
        stage.transition(number)
        stage.observer.send(stage.observer.frame())
        stage.turn(0.01)
    if stage.state() == "unconfigured":
        stage.transition(Transition.TRANSITION_CONFIGURE)
    if stage.state() == "inactive":
        stage.transition(Transition.TRANSITION_ACTIVATE)
    if (state := stage.state()) != "active":
        raise BrokenPromiseError(f"the node cannot be brought to active again; it is {state}")


@fault("second node of the same name", "both publish", "nodes are called", short=False)
def _double(stage: Stage) -> None:
    """Both publish correct masks of all frames; a diagnostic must report that there are two."""
    with (stage.folder / "double.log").open("wb") as log:
        double = start_child(stage.node.command(stage.folder), log)
    try:
        there = stage.until(
            lambda: stage.observer.count_publishers(f"/{NAME}/mask") == 2, 2 * STOP_S
        )
        if not there:
            raise BrokenPromiseError("the second node of the same name did not start")
        stage.stream(1.5, 10.0)
        stage.stream_until("nodes are called", DUPLICATE_S + 5.0)
    finally:
        double.terminate()
        wait_or_kill(double, STOP_S)
    stage.until(lambda: stage.observer.count_publishers(f"/{NAME}/mask") == 1, STOP_S)


@fault("participants come and go", "with subscriptions and publishers")
def _churn(stage: Stage) -> None:
    """Participants that listen to the masks and leave again at once."""
    for index in range(CHURN_SHORT if stage.short else CHURN):
        context = rclpy.Context()
        rclpy.init(args=[], context=context)
        node = rclpy.create_node(f"passer_by_{index}", context=context)
        node.create_subscription(Image, f"/{NAME}/mask", lambda _: None, 1)
        node.create_publisher(Image, "/camera/image", 1)
        stage.stream(0.1)
        node.destroy_node()
        rclpy.shutdown(context=context)
    stage.turn(0.5)
