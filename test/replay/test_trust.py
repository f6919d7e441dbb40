# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The section on trust shades faults where they were, and lists them."""

from __future__ import annotations

import re

import pytest

from nightseg_ros.replay.series import ALL_CAMERAS, Frames, Point
from nightseg_ros.replay.trust import FAULT, trust

SECOND = 10**9
START = 100 * SECOND


def points(**means: float) -> list[Point]:
    return [Point(float(at), at + 1.0, means, {}, {}) for at in range(10)]


def frames(**of_the_mask: float) -> Frames:
    cameras = {topic: points(visibility=0.75) for topic in ("/a", "/b")}
    return Frames(
        {**cameras, ALL_CAMERAS: points(**of_the_mask)}, {}, {}, START, START + 10 * SECOND
    )


def fault(name: str, start_s: int, end_s: int, topic: str = "/a", region: str = "") -> dict:
    times = {"start_ns": START + start_s * SECOND, "end_ns": START + end_s * SECOND}
    return {"topic": topic, "fault": name, **times, "visibility": 0.5, "region": region}


def result(*faults: dict, left_out: int = 0) -> dict:
    return {"faults": list(faults), "faults_left_out": left_out, "variants": {"auto": {}}}


def shaded(html: str) -> list[tuple[float, float]]:
    """Return from where to where faults are shaded, in seconds."""
    bars = re.findall(r'<rect x="([\d.]+)" y="0" width="([\d.]+)" height="1000" fill="(.*?)"', html)
    assert {color for _, _, color in bars} <= {FAULT}
    return [(float(x) / 100, (float(x) + float(width)) / 100) for x, width, _ in bars]


def test_faults_are_shaded_once_and_listed_all():
    faults = [fault("covered", 1, 3, region="100 %, all"), fault("frozen", 2, 4)]
    faults += [fault("noisy", 7, 9), fault("tinted", 0, 10, "/b")]
    section = trust(frames(), result(*faults, left_out=5))
    assert shaded(section.body) == [(1, 4), (7, 9), (0, 10)]
    cells = re.findall(r"<td [^>]*>(.*?)</td>", section.body)
    assert cells[:5] == ["/a", "covered", "1 s", "3 s", "100 %, all"]
    assert cells[5:10] == ["/a", "frozen", "2 s", "4 s", "-"]
    assert len(cells) == 20
    assert section.note.startswith("5 more faults")


def test_clean_drive_says_so_in_a_line():
    section = trust(frames(), result())
    assert section.note.startswith("No camera had a fault. ")
    assert shaded(section.body) == []
    assert "<table" not in section.body


@pytest.mark.parametrize(
    ("known", "titles"),
    [
        ({}, []),
        ({"auto_unsure": 0.2}, ["Unsure pixels, %"]),
        ({"auto_unsure": 1.0, "auto_novelty": 0.5}, ["Unsure pixels, %", "Novelty"]),
    ],
)
def test_only_what_was_measured_has_a_chart(known, titles):
    body = trust(frames(**known), result()).body
    assert [title.strip() for title in re.findall(r"<h4>(.*?)</h4>", body)] == ["/a", "/b", *titles]
    assert body.count('class="mark"') == titles.count("Novelty")
    assert ">150<" not in body  # percent end at 100
