# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A leak is not noise, the last tenth is held against the first, and a wrong account is found."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.trials.soak_figures import Sample, SoakRecord, conclude, least_squares

ACCOUNT = {"received": 100, "published": 60, "dropped": 40, "rejected": 0, "in_flight": 0}


def record(*, leak: float = 0.0, noise: float = 0.0, threads: int = 10, files: int = 20, **account):
    """Return a run of 1000 s and a million frames that grows by `leak` bytes a frame."""
    found = SoakRecord(sent=1_000_000, seconds=1000.0, account={**ACCOUNT, **account})
    rng = np.random.default_rng(0)
    for second in range(0, 1000, 10):
        late = second > 500
        held = 100e6 + leak * 1000 * second + noise * rng.standard_normal()
        warm_up = 50e6 * np.exp(-second / 10)  # pools fill at the start
        found.samples.append(
            Sample(
                second,
                1000 * second,
                threads if late else 10,
                files if late else 20,
                int(held - warm_up),
                int(8e6 + 2 * 1000 * second),
            )
        )
        found.answered_s.append(float(second))
        found.latency_ms.append(20.0 + second / 100)
    return found


def test_slope_is_that_of_numpy_and_its_error_holds_the_truth():
    rng = np.random.default_rng(1)
    x = np.arange(200.0)
    y = 3.0 * x + 50 * rng.standard_normal(200)
    found = least_squares(list(x), list(y))
    assert found.per_unit == pytest.approx(np.polyfit(x, y, 1)[0])
    assert abs(found.per_unit - 3.0) < 1.5 * found.uncertainty < 1.0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_samples_give_no_slope(count):
    assert np.isnan(least_squares([1.0] * count, [2.0] * count).per_unit)


def test_a_run_that_holds_breaks_nothing():
    figures = conclude(record(noise=1e6))
    assert figures["broken"] == []
    assert abs(figures["memory_mb"]["per_million_frames"]) < 5.0
    assert figures["shared_memory_mb"]["per_million_frames"] == pytest.approx(2.0, abs=0.1)
    assert figures["latency_p99_ms"]["first_tenth"] == pytest.approx(21.0, abs=0.1)
    assert figures["latency_p99_ms"]["last_tenth"] == pytest.approx(29.9, abs=0.1)


def test_a_leak_is_found_through_the_noise():
    figures = conclude(record(leak=20.0, noise=1e6))
    assert figures["memory_mb"]["per_million_frames"] == pytest.approx(20.0, abs=2.0)
    assert figures["broken"][0].startswith("memory grows by 2")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threads": 11}, "10 threads became 11"),
        ({"files": 25}, "20 files became 25"),
        ({"received": 101}, "the account of frames is not exact"),
        ({"published": 59, "rejected": 1}, "1 frames were rejected"),
    ],
)
def test_what_else_is_a_broken_promise(changes, words):
    (broken,) = conclude(record(**changes))["broken"]
    assert words in broken


def test_a_run_without_masks_is_none():
    assert "no mask came back" in conclude(SoakRecord(seconds=1.0))["broken"]
