# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a camera's subscriptions log."""

from __future__ import annotations

import pytest


@pytest.mark.ros
def test_lost_images_are_counted_and_the_remedy_is_named(monkeypatch):
    from nightseg_ros.ros import cameras
    from nightseg_ros.ros.statistics import CameraStatistics

    class Node:
        def resolve_topic_name(self, topic):
            return f"/car/{topic}"

    logged, statistics, events = [], CameraStatistics(), {}

    def subscribe(node, kind, topic, callback, profile, notice, on_lost):
        events["lost"] = on_lost

    monkeypatch.setattr(cameras, "create_subscription", subscribe)
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    camera = cameras.CameraInput(
        Node(),
        "front",
        compressed=False,
        mailbox=None,
        statistics=statistics,
        log_error=lambda subject, text: logged.append(f"{subject}: {text}"),
        notice=None,
    )
    camera.listen(images=True, info=False)
    events["lost"](3)
    assert statistics.lost == 3
    assert logged[0].startswith(
        "camera 'front': the middleware dropped images of /car/front/image (3"
    )
    assert "start the camera driver with FAST" in logged[0]
    assert "fastdds_large_images.xml" in logged[0]
