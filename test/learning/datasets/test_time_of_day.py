# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Day, dusk and night from the histogram of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nightseg_ros.learning.datasets import open_set
from nightseg_ros.learning.datasets.time_of_day import Luma, measure, with_measured_times


@pytest.mark.parametrize(
    ("mean", "upper", "time"),
    [
        (0.0, 0.0, "night"),
        (57.9, 200.0, "night"),
        (58.0, 200.0, "dusk"),
        (84.0, 83.9, "dusk"),
        (83.9, 84.0, "dusk"),
        (84.0, 84.0, "day"),
    ],
)
def test_limits(mean, upper, time):
    assert Luma(mean, upper).time_of_day() == time


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_the_upper_half_is_the_sky(tmp_path, ending):
    image = np.full((96, 128, 3), 60, np.uint8)
    image[:48] = 200
    path = tmp_path / f"a{ending}"
    cv2.imwrite(str(path), image)
    luma = measure(path)
    assert luma.mean == pytest.approx(130, abs=3)
    assert luma.upper_median == pytest.approx(200, abs=3)


def test_known_times_stay_and_bad_files_are_left_out(tmp_path, frame):
    frame(tmp_path / "images/10k/val/a.jpg", 20)
    (tmp_path / "images/10k/val/b.jpg").write_bytes(b"broken")
    dataset = with_measured_times(open_set(f"bdd10k:{tmp_path}:val"))
    assert [(s.name, s.time_of_day) for s in dataset.samples] == [("a", "night")]
    assert len(dataset.problems) == 1


def test_it_agrees_with_the_manifest_on_the_real_pools(data_dir):
    """The pools were split by the brightness of the original frames; few may lie otherwise."""
    for pool, time in (("pool_day", "day"), ("pool_night", "night")):
        samples = open_set(f"nightseg:{data_dir}:{pool}").samples[::10]
        right = sum(measure(sample.image).time_of_day() == time for sample in samples)
        assert right / len(samples) > 0.97
