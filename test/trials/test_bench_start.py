# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Starts are counted from the process to what it says; one that fails says why. No time is held."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from support import models as tiny

from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.bench_start import Starts, measure

pytestmark = [pytest.mark.ros, pytest.mark.slow]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE"):
        monkeypatch.setenv(name, "")  # so that what the measurement sets is undone
        monkeypatch.delenv(name)


def test_every_start_is_measured_and_named():
    reported = []
    (row,) = measure(Starts(("fake",), runs=2), reported.append)
    assert reported == ["fake", "fake"]
    assert len(row["seconds"]) == 2
    assert min(row["seconds"]) > 0.0
    assert row["largest_s"] == max(row["seconds"])
    assert row["loaded"].startswith("day stand_in_day on fake (none, uint8), night")
    assert row["problem"] == ""
    assert row["median_cpu_s"] > 0.0


def test_a_start_that_fails_says_why(tmp_path):
    folder = tiny.models_folder(tmp_path)
    (row,) = measure(Starts(("openvino-int8",), runs=3, models_dir=str(folder)))
    assert row["seconds"] == []
    assert row["problem"].startswith("bundle tiny_day: ")
    assert "openvino" in row["problem"]


def test_engines_need_models(tmp_path):
    with pytest.raises(NightsegError, match="there are no models in"):
        measure(Starts(("auto",), models_dir=str(tmp_path)))
