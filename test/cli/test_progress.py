# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The progress line on a terminal and in a log file."""

from __future__ import annotations

import io

from nightseg_ros.cli.progress import Progress, clock, track


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_clock():
    assert [clock(s) for s in (0, 59.6, 61, 3600)] == ["0:00", "1:00", "1:01", "1:00:00"]


def test_text_shows_share_rate_and_time_left():
    now = Clock()
    progress = Progress(100, "frames", stream=io.StringIO(), now=now)
    now.time += 10
    progress.advance(20, note="loss 0.5")
    assert progress.text() == (
        "frames  [#####...................]  20%  20/100  2.0/s  0:40 left  loss 0.5"
    )
    progress.advance(80)
    assert progress.text().endswith("100%  100/100  10.0/s  in 0:10  loss 0.5")


def test_text_of_slow_and_endless_work():
    now = Clock()
    progress = Progress(None, "epochs", stream=io.StringIO(), now=now)
    now.time += 10
    progress.advance(2)
    assert progress.text() == "epochs  2  5.0 s each  in 0:10"


def test_a_log_file_gets_a_line_every_five_seconds():
    now, log = Clock(), io.StringIO()
    with Progress(20, "frames", stream=log, now=now) as progress:
        for _ in range(20):
            now.time += 1
            progress.advance()
    lines = log.getvalue().splitlines()
    assert [line.split("  ")[-3] for line in lines] == ["5/20", "10/20", "15/20", "20/20"]
    assert "\r" not in log.getvalue()


def test_a_terminal_gets_one_line_that_ends_with_the_last_state():
    now, screen = Clock(), Screen()
    with Progress(30, "frames", stream=screen, now=now) as progress:
        for _ in range(30):
            now.time += 0.06
            progress.advance()
    text = screen.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert "30/30" in text.rpartition("\r")[2]
    assert text.count("\r") == 15


def test_short_work_is_silent():
    screen = Screen()
    with Progress(2, "frames", stream=screen, now=Clock()) as progress:
        progress.advance(2)
    assert screen.getvalue() == ""


def test_track_yields_every_item(capsys):
    assert list(track([1, 2, 3], "frames")) == [1, 2, 3]
    assert list(track(iter("ab"), "frames")) == ["a", "b"]
    assert capsys.readouterr().out == ""
