# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A soak of some seconds: four cameras, every frame accounted for, figures that make sense."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.cli import soak as verb
from nightseg_ros.trials.soak import SoakPlan, serialised, soak
from nightseg_ros.trials.soak_figures import conclude
from nightseg_ros.trials.stand_in import write_stand_ins

pytestmark = [pytest.mark.ros, pytest.mark.slow]


def test_soak_of_some_seconds(tmp_path):
    write_stand_ins(tmp_path)
    rng = np.random.default_rng(0)
    frames = serialised(rng.integers(0, 256, (60, 80, 3), np.uint8) for _ in range(5))
    parameters = {"models_dir": str(tmp_path), "engine": "fake"}
    reported = []
    record = soak(frames, SoakPlan(8.0, 4, 5.0, parameters), reported.append)
    assert len(reported) >= 4
    assert record.sent == 160
    assert len(record.samples) >= 4
    assert all(sample.threads > 1 and sample.files > 3 for sample in record.samples)
    figures = conclude(record)
    account = figures["account"]
    assert account["published"] > 80
    assert figures["masks"] >= account["published"] - 4  # the middleware may lose one
    assert figures["latency_p99_ms"]["last_tenth"] > 0.0
    assert not [text for text in figures["broken"] if "account" in text or "rejected" in text]
    result = {"engine": "fake", "cameras": 4, "hz": 5.0, "size": "80x60", **figures}
    assert "160 sent" in verb.render(result)
