# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""With the shipped settings no 1280x720 image is lost between two processes, best effort."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.patience import PATIENCE_S

from nightseg_ros.ros.transport import has_fast_dds_2, large_image_settings

pytest.importorskip("rclpy", reason="needs rclpy")
pytestmark = [pytest.mark.ros, pytest.mark.slow]

STREAM = Path(__file__).with_name("image_stream.py")
COUNT = 90  # three seconds at 30 Hz


def received(sender_mode, receiver_mode):
    """Return how many of COUNT images arrive from a process with one mode at one with another."""
    env = {name: value for name, value in os.environ.items() if "PROFILES_FILE" not in name}
    for name in ("FASTDDS_BUILTIN_TRANSPORTS", "RMW_FASTRTPS_USE_QOS_FROM_XML"):
        env.pop(name, None)
    env["ROS_DOMAIN_ID"] = str(random.randint(1, 100))
    if "large_data" in (sender_mode, receiver_mode):
        env.pop("ROS_AUTOMATIC_DISCOVERY_RANGE", None)  # it loses images where this is LOCALHOST
    if not env.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp").startswith("rmw_fastrtps"):
        pytest.skip(f"the settings are for Fast DDS, not for {env['RMW_IMPLEMENTATION']}")
    ends = [
        subprocess.Popen(
            [sys.executable, str(STREAM), role, str(COUNT)],
            env={**env, **large_image_settings(env, mode)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for role, mode in (("receive", receiver_mode), ("send", sender_mode))
    ]
    try:
        output, _ = ends[0].communicate(timeout=PATIENCE_S)
        ends[1].wait(timeout=PATIENCE_S)
    finally:
        for end in ends:
            end.kill()
            end.wait()
    return int(output)


@pytest.mark.parametrize(
    ("sender_mode", "receiver_mode"),
    [
        ("profile", "profile"),
        ("profile", "off"),  # only the sender of the images needs the profile
        ("large_data", "large_data"),
    ],
)
def test_no_image_is_lost(sender_mode, receiver_mode):
    if sender_mode == "large_data" and has_fast_dds_2(os.environ):
        pytest.skip("LARGE_DATA loses images before ROS 2 Kilted")
    assert received(sender_mode, receiver_mode) >= 0.99 * COUNT
