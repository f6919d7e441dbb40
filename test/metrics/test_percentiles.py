# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One definition of a percentile, that of numpy, wherever one is logged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightseg_ros.metrics.percentiles import percentile, percentiles
from nightseg_ros.perception.timing import LatencyHistory
from nightseg_ros.replay.series import Histogram
from nightseg_ros.ros.statistics import Window

TEN = [float(value) for value in range(1, 11)]
P95 = 9.55


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.floats(0, 1))
def test_it_is_numpys_default(values, share):
    expected = np.percentile(values, 100 * share)
    assert percentile(sorted(values), share) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_all_that_report_one_agree():
    window, histogram = Window(), Histogram()
    history = LatencyHistory()
    for at, value in enumerate(reversed(TEN)):
        window.add(value)
        histogram.add(value)
        history.add("day", value, at)
    history.add("day", 99.0, 10)  # the slowest frame is left out
    assert percentiles(TEN)["p95"] == pytest.approx(P95)
    assert window.percentiles()["p95"] == pytest.approx(P95)
    assert history.estimates(10.0, 30.0)["day"] == pytest.approx(P95)
    assert histogram.percentile(0.95) == pytest.approx(P95, rel=0.01)


def test_the_order_does_not_matter_and_nothing_has_none():
    assert percentiles([3, 1, 2]) == {"p50": 2.0, "p95": 2.9, "p99": 2.98, "max": 3.0}
    assert percentiles([]) is None
    assert Histogram().percentile(0.95) == 0.0
