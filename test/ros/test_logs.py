# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The logs of a node: repetitions at most once per period, statuses when they change."""

from __future__ import annotations

from nightseg_ros.perception.status import ERROR, OK, WARN, Report
from nightseg_ros.ros.logs import StatusLog, ThrottledLog


def heard(*calls, most=10):
    logged, now = [], [0.0]
    throttled = ThrottledLog(logged.append, period_s=10.0, most=most, clock=lambda: now[0])
    for at, subject, text in calls:
        now[0] = at
        throttled(subject, text)
    return logged


def test_repetition_is_reported_later_with_its_count():
    logged = heard(
        (0, "camera", "step 5 is wrong"),
        (1, "camera", "step 6 is wrong"),
        (2, "camera", "step 7 is wrong"),
        (11, "camera", "step 8 is wrong"),
    )
    assert logged == ["camera: step 5 is wrong", "camera: step 8 is wrong (2 more like this since)"]


def test_other_camera_and_other_cause_are_reported_immediately():
    logged = heard(
        (0, "camera 'cam1'", "empty"), (0, "camera 'cam2'", "empty"), (0, "camera 'cam1'", "torn")
    )
    assert logged == ["camera 'cam1': empty", "camera 'cam2': empty", "camera 'cam1': torn"]


def test_garbage_in_the_texts_cannot_flood_the_log():
    logged = heard(*((0.001 * i, "camera", "x" * i) for i in range(5000)), most=5)
    assert len(logged) == 5


class Subject:
    """A log whose clock moves by one second with each message."""

    def __init__(self):
        self.lines, self.now_s = [], 0.0
        self._log = StatusLog(
            lambda text: self.lines.append(f"WARN {text}"),
            lambda text: self.lines.append(f"INFO {text}"),
            lambda: self.now_s,
        )

    def see(self, *levels, name="input", logged=False):
        """Show one report for each level, and return the lines that came of them."""
        count = len(self.lines)
        for level in levels:
            self.now_s += 1.0
            self._log([Report(name, level, f"level {level}", logged=logged)])
        return self.lines[count:]


def test_what_gets_worse_is_a_warning_and_its_recovery_a_line_once_each():
    log = Subject()
    assert log.see(OK, OK) == []
    assert log.see(WARN, WARN, WARN) == ["WARN input: level 1"]
    assert log.see(ERROR, ERROR) == ["WARN input: level 2"]
    assert log.see(OK, OK, OK, OK, OK, OK) == ["INFO input: level 0"]
    assert log.see(WARN) == ["WARN input: level 1"]


def test_what_flickers_is_one_warning():
    log = Subject()
    assert log.see(*(WARN, OK, OK) * 5) == ["WARN input: level 1"]
    assert log.see(OK, OK) == ["INFO input: level 0"]


def test_error_that_becomes_a_warning_has_not_recovered():
    log = Subject()
    assert log.see(ERROR) == ["WARN input: level 2"]
    assert log.see(*[WARN] * 6) == []
    assert log.see(ERROR) == ["WARN input: level 2"]


def test_what_its_finder_has_logged_is_not_logged_again():
    log = Subject()
    assert log.see(ERROR, ERROR, logged=True) == []
    assert log.see(*[OK] * 5) == ["INFO input: level 0"]
    assert log.see(ERROR, *[OK] * 5, name="engine", logged=True) == []


def test_what_follows_something_logged_elsewhere_is_news():
    """Rejected images are logged where they are rejected; that none come any more is not."""
    log = Subject()
    assert log.see(WARN, logged=True) == []
    assert log.see(WARN, WARN) == ["WARN input: level 1"]
    assert log.see(WARN, logged=True) == []
    assert log.see(WARN) == []


def test_status_that_is_gone_and_comes_again_starts_anew():
    log = Subject()
    assert log.see(WARN) == ["WARN input: level 1"]
    log._log([])
    assert log.see(WARN) == ["WARN input: level 1"]
