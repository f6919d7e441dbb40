# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The words and levels of the diagnostics for states that are hard to bring about on a graph."""

from __future__ import annotations

from collections import Counter

import pytest

from nightseg_ros.engines.engine import EngineInfo
from nightseg_ros.perception.camera_health import Health
from nightseg_ros.perception.novelty import Novelty
from nightseg_ros.perception.status import ERROR, OK, WARN, backend_report
from nightseg_ros.ros.mailbox import Counts, Outcome
from nightseg_ros.ros.models import load_models
from nightseg_ros.ros.reports import (
    InputState,
    health_report,
    input_report,
    processing_report,
    qos_report,
)
from nightseg_ros.ros.settings import Settings
from nightseg_ros.ros.statistics import STAGES, CameraStatistics, NodeStatistics


def state(**changes):
    values = {
        "camera": "front",
        "topic": "/front/image",
        "listening": True,
        "silence_s": 0.03,
        "publishers": ["/driver (reliable, volatile)"],
    }
    return InputState(**{**values, **changes})


def report(counts=None, statistics=None, **changes):
    return input_report(
        state(**changes), counts or Counts(), statistics or CameraStatistics(), Settings()
    )


@pytest.mark.parametrize(
    ("changes", "level", "message"),
    [
        ({}, OK, "images arrive"),
        ({"listening": False}, OK, "not subscribed: the outputs have no subscriber"),
        ({"listening": False, "active": False}, OK, "not subscribed: the node is inactive"),
        (
            {"silence_s": 7.0, "publishers": [], "advice": "remap it"},
            WARN,
            "no image for 7.0 s on /front/image: no publisher; remap it",
        ),
        (
            {"silence_s": 7.0},
            WARN,
            "no image for 7.0 s on /front/image: /driver (reliable, volatile)",
        ),
        (
            {"silence_s": 7.0, "clock_stopped": True},
            OK,
            "no image for 7.0 s on /front/image; the simulated time has stopped",
        ),
    ],
)
def test_input(changes, level, message):
    found = report(**changes)
    assert (found.name, found.level, found.message) == ("input front", level, message)


def test_account_is_in_the_values():
    outcomes = Counter({Outcome.PUBLISHED: 5, Outcome.REPLACED: 3, Outcome.RATE: 1})
    outcomes[Outcome.BAD_IMAGE] = 2
    values = report(Counts(12, 1, outcomes)).values
    assert values["received"] == "12"
    assert [values[x] for x in ("published", "dropped", "rejected", "in_flight")] == list("5421")
    assert values["dropped: max_rate_hz"] == "1"
    assert values["rejected: not a usable image"] == "2"
    assert values["age_ms"] == "n/a"


def test_camera_of_which_all_images_are_bad_is_a_warning():
    outcomes = Counter({Outcome.BAD_IMAGE: 9})
    found = report(Counts(9, 0, outcomes))
    assert found.level == WARN
    assert "rejected" in found.message


class Frames:
    """Processing at a clock of the test; 500 ms are allowed, 2000 ms of delay acceptable."""

    def __init__(self, *seconds):
        self.now = 10.0
        statistics = NodeStatistics(["front"], clock=lambda: self.now)
        for value in seconds:
            statistics.start_frame()
            self.now += value
            statistics.end_frame(dict.fromkeys(STAGES, value * 1e3), allowed_ms=500.0)
        self.report = processing_report(statistics, Settings())


@pytest.mark.parametrize(
    ("seconds", "level", "in_time", "in_range", "processing", "delay"),
    [
        ((), OK, "true", "true", "n/a", "n/a"),
        ((0.1,), OK, "true", "true", "100.000", "0.000"),
        ((0.1, 0.6), WARN, "false", "true", "600.000", "600.000"),
        ((0.6, 0.7, 0.8), ERROR, "false", "false", "800.000", "2100.000"),
        ((0.6, 0.7, 0.8, 0.1), OK, "true", "true", "100.000", "0.000"),
    ],
)
def test_processing_has_the_keys_of_autoware(seconds, level, in_time, in_range, processing, delay):
    found = Frames(*seconds).report
    assert found.name == "processing_time_status"
    assert found.level == level
    assert list(found.values.items())[:4] == [
        ("is_processing_time_ms_in_expected_range", in_time),
        ("processing_time_ms", processing),
        ("is_consecutive_processing_delay_in_range", in_range),
        ("consecutive_processing_delay_ms", delay),
    ]
    if not seconds:
        assert found.message == "Waiting for the node to perform inference"
        assert found.values["inference_time_ms"] == "n/a"


def test_processing_has_percentiles_of_every_stage():
    values = Frames(*(0.001 * i for i in range(1, 11))).report.values
    for stage in STAGES:
        assert float(values[f"{stage}_p50_ms"]) == pytest.approx(5.5)
        assert float(values[f"{stage}_p95_ms"]) == pytest.approx(9.55)
        assert float(values[f"{stage}_p99_ms"]) == pytest.approx(9.91)
    assert float(values["preprocess_time_ms"]) == pytest.approx(5.5)


def test_backend_reports_what_really_runs(models_dir):
    models = load_models(Settings(models_dir=str(models_dir), engine="fake"))
    infos = {role: engine.info for role, engine in models.pipeline.engines.items()}
    infos["day"] = EngineInfo("onnxruntime", "CUDAExecutionProvider", "cuda:0", "fp16")
    found = backend_report(models.bundles, infos, [], [])
    assert (found.level, found.message) == (
        OK,
        "day, night, translator on fake (none), onnxruntime (CUDAExecutionProvider)",
    )
    assert found.values["day.provider"] == "CUDAExecutionProvider"
    assert found.values["day.sha256"] == models.bundles["day"].sha256
    assert found.values["night.model"] == "night"
    found = backend_report(models.bundles, infos, ["night is damaged"], ["no translator"])
    assert found.level == WARN
    assert found.message.endswith("fallback: night is damaged")
    assert found.values["fallback_reason"] == "night is damaged"
    assert found.values["unavailable_routes"] == "no translator"


@pytest.mark.parametrize(("average", "level"), [(0.8, OK), (1.2, WARN)])
def test_a_drive_outside_the_domain_is_a_warning(average, level):
    statistics = CameraStatistics()
    statistics.health = Health()
    statistics.novelty = Novelty(1.5, "less contrast", average)
    report = health_report("front", statistics)
    assert (report.name, report.level) == ("health front", level)
    plain = "the camera shows the scene"
    unlike = "; unlike the frames that the model knows: less contrast"
    assert report.message == (plain + unlike if level == WARN else plain)
    assert report.values["novelty"] == "1.500"
    assert report.values["novelty_average"] == f"{average:.3f}"


def test_without_a_domain_there_is_no_novelty():
    statistics = CameraStatistics()
    statistics.health = Health()
    report = health_report("", statistics)
    assert (report.level, report.values["novelty"]) == (OK, "n/a")


def test_qos_mismatch_is_a_warning_until_it_is_gone():
    assert qos_report({}).level == OK
    found = qos_report({"/image": "a publisher offers an incompatible reliability"})
    assert found.level == WARN
    assert "/image" in found.message
