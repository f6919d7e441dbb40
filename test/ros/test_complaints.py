# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A fault in every frame is told once and counted, and two faults do not silence each other."""

from __future__ import annotations

from nightseg_ros.ros.complaints import Complaints


def heard(*calls, most=10):
    told, now = [], [0.0]
    complaints = Complaints(told.append, period_s=10.0, most=most, clock=lambda: now[0])
    for at, subject, text in calls:
        now[0] = at
        complaints(subject, text)
    return told


def test_repetition_is_told_later_with_its_count():
    told = heard(
        (0, "camera", "step 5 is wrong"),
        (1, "camera", "step 6 is wrong"),
        (2, "camera", "step 7 is wrong"),
        (11, "camera", "step 8 is wrong"),
    )
    assert told == ["camera: step 5 is wrong", "camera: step 8 is wrong (2 more like this since)"]


def test_other_camera_and_other_cause_are_told_at_once():
    told = heard(
        (0, "camera 'cam1'", "empty"), (0, "camera 'cam2'", "empty"), (0, "camera 'cam1'", "torn")
    )
    assert told == ["camera 'cam1': empty", "camera 'cam2': empty", "camera 'cam1': torn"]


def test_garbage_in_the_texts_cannot_flood_the_log():
    told = heard(*((0.001 * i, "camera", "x" * i) for i in range(5000)), most=5)
    assert len(told) == 5
