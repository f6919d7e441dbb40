# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What callbacks raised is counted exactly, logged once, and warned of for a while."""

from __future__ import annotations

from nightseg_ros.perception.status import OK, WARN
from nightseg_ros.ros.callback_errors import RECENT_S, CallbackErrors


def test_errors_are_counted_logged_once_and_shown_for_a_while():
    now, log = [100.0], []
    errors = CallbackErrors(log.append, lambda: now[0])
    assert (errors.report().name, errors.report().level) == ("callbacks", OK)
    assert errors.report().values == {"failed": "0", "latest": ""}
    for _ in range(3):
        try:
            raise ValueError("Seconds value must not be negative")
        except ValueError as error:
            errors("callback of /clock", error)
    words = "callback of /clock raised ValueError: Seconds value must not be negative"
    report = errors.report()
    assert (report.level, report.message) == (WARN, words)
    assert report.values == {"failed": "3", "latest": words}
    assert len(log) == 1
    assert log[0].startswith("callback of /clock: raised ValueError: Seconds value")
    assert "Traceback" in log[0]
    now[0] += RECENT_S
    assert errors.report().level == OK
    assert errors.report().values == {"failed": "3", "latest": words}
