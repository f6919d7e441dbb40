# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Day, dusk and night from the histogram of a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nightseg_ros.datasets import open_set
from nightseg_ros.datasets.sample import Sample
from nightseg_ros.datasets.time_of_day import (
    DAY_FROM,
    NIGHT_BELOW,
    measure,
    split_error,
    time_of_day,
    with_measured_times,
)
from nightseg_ros.perception.illumination import estimate_illumination
from nightseg_ros.perception.routing import RoutingPolicy


@pytest.mark.parametrize(
    ("illumination", "time"),
    [(0.0, "night"), (0.4299, "night"), (0.43, "dusk"), (0.4999, "dusk"), (0.5, "day")],
)
def test_limits(illumination, time):
    assert time_of_day(illumination) == time


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_the_upper_quarter_is_the_sky(tmp_path, ending):
    image = np.full((96, 128, 3), 48, np.uint8)
    image[:24] = 250
    path = tmp_path / f"a{ending}"
    cv2.imwrite(str(path), image)
    assert measure(path) == pytest.approx(0.7 + 0.3 * 48 / 64, abs=0.01)


def test_it_is_the_estimate_and_the_limits_of_the_node(tmp_path):
    small = np.random.default_rng(0).integers(0, 200, (180, 320, 3), np.uint8)
    image = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_NEAREST)  # full of edges
    cv2.imwrite(str(tmp_path / "a.png"), image)
    assert measure(tmp_path / "a.png") == pytest.approx(
        estimate_illumination(image, "bgr"), abs=0.005
    )
    policy = RoutingPolicy()
    assert (policy.dark_below, policy.bright_above) == (NIGHT_BELOW, DAY_FROM)


def test_errors_are_counted_by_what_is_known(tmp_path):
    samples = []
    for index, (known, luma) in enumerate(
        [("day", 200), ("day", 10), ("day", 53), ("night", 5), ("night", 128), ("dusk", 5)]
    ):
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), np.full((16, 16, 3), luma, np.uint8))
        samples.append(Sample(path, None, str(index), known))
    samples.append(Sample(tmp_path / "0.png", None, "untimed"))
    error = split_error(samples)
    assert (error.frames, error.swapped, error.undecided) == (5, 2, 1)
    assert error.counts["dusk", "night"] == 1


def test_known_times_stay_and_bad_files_are_left_out(tmp_path, frame):
    frame(tmp_path / "images/10k/val/a.jpg", 20)
    (tmp_path / "images/10k/val/b.jpg").write_bytes(b"broken")
    dataset = with_measured_times(open_set(f"bdd10k:{tmp_path}:val"))
    assert [(s.name, s.time_of_day) for s in dataset.samples] == [("a", "night")]
    assert len(dataset.problems) == 1


def test_hardly_a_real_frame_is_swapped(data_dir):
    """Of the frames whose time a person or the brightness of the original logged."""
    sets = [open_set(f"nightseg:{data_dir}:{part}") for part in ("bdd_labelled", "pool_night")]
    error = split_error([sample for part in sets for sample in part.samples[::6]])
    assert error.frames > 400
    assert error.swapped <= 0.005 * error.frames
    assert error.undecided <= 0.03 * error.frames
