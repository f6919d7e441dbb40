# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of parameters: what it takes, what it refuses and with which words."""

from __future__ import annotations

import dataclasses
import re

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.parameter_table import default, fields, kind, ros_name, row
from nightseg_ros.ros.settings import Settings


def test_defaults_are_good_settings():
    settings = Settings()
    assert settings.camera_names == ("",)
    assert settings.policy().allowed == ("day", "night", "translate", "fused")
    assert settings.fused_model == ""


def test_every_parameter_is_described_and_every_number_has_a_range():
    for field in fields(Settings):
        about = row(field)
        assert about.description.endswith("."), field.name
        assert (about.limits is not None) == (kind(field) in ("integer", "double")), field.name
        if about.limits is not None:
            assert about.limits[0] <= default(field) <= about.limits[1]
        assert re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", ros_name(field))


def test_what_routes_need_may_change_while_the_node_runs():
    runtime = {ros_name(field) for field in fields(Settings) if row(field).runtime}
    assert {"route", "confidence_threshold", "max_rate_hz", "latency_budget_ms", "lazy"} <= runtime
    assert not {"cameras", "models_dir", "engine", "input_transport"} & runtime


def test_whole_number_is_taken_for_a_double():
    settings = Settings().changed({"confidence_threshold": 1, "diagnostics.period_s": 2})
    assert settings.confidence_threshold == 1.0
    assert isinstance(settings.diagnostics_period_s, float)


@pytest.mark.parametrize("value", [None, [], [""], ("",)])
def test_every_way_to_write_no_camera(value):
    assert Settings.of({"cameras": value}).camera_names == ("",)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("route", "dusk", "'dusk' is not one of auto, day, night, translate"),
        ("route", 3, "3 is not of type string"),
        ("confidence_threshold", 1.5, "1.5 is outside 0 to 1"),
        ("confidence_threshold", float("nan"), "nan is outside 0 to 1"),
        ("confidence_threshold", "high", "'high' is not of type double"),
        ("confidence_threshold", True, "True is not of type double"),
        ("threads", -1, "-1 is outside 0 to 256"),
        ("threads", 2.0, "2.0 is not of type integer"),
        ("threads", True, "True is not of type integer"),
        ("lazy", "yes", "'yes' is not of type bool"),
        ("lazy", 1, "1 is not of type bool"),
        ("allowed_routes", ["day", "dusk"], "'dusk' is not one of day, night, translate"),
        ("allowed_routes", [], "is empty"),
        ("cameras", "front", "'front' is not of type string_array"),
        ("cameras", ["front camera"], "'front camera' is not part of a topic name"),
        ("cameras", ["/front"], "'/front' is not part of a topic name"),
        ("cameras", ["front", "front"], "contains a name twice"),
        ("cameras", ["front", ""], "one of several has no name"),
        ("cameras", ["", ""], "one of several has no name"),
        ("cameras", ["a" * 256], "'aaaaaaaaaa...' has 256 characters; use 100 at most"),
        ("cameras", 5, "5 is not of type string_array"),
        ("cameras", [5], "[5] is not of type string_array"),
        ("allowed_routes", True, "True is not of type string_array"),
        ("allowed_routes", ["day", ""], "'' is not one of day, night, translate"),
        ("diagnostics.period_s", 0.0, "0.0 is outside 0.05 to 60"),
        ("max_rate_hz", float("inf"), "inf is outside 0 to 1000"),
    ],
)
def test_bad_value_is_refused_by_name(name, value, words):
    with pytest.raises(NightsegError) as error:
        Settings.of({name: value})
    assert f"{name}: " in str(error.value)
    assert words in str(error.value)


def test_values_that_contradict_each_other_are_refused():
    with pytest.raises(NightsegError, match=r"is 0\.9 .*; bright_above must be the larger"):
        Settings().changed({"dark_below": 0.9})
    both = Settings().changed({"dark_below": 0.9, "bright_above": 0.95})
    assert both.policy().dark_below == 0.9
    with pytest.raises(NightsegError, match="'translate' is not among allowed_routes"):
        Settings.of({"allowed_routes": ["day", "night"], "route": "translate"})


def test_the_routing_policy_is_read_from_its_file(tmp_path):
    path = tmp_path / "routing.yaml"
    path.write_text("format: 1\nquality: {night: [[0.1, 0.5]], day: [[0.1, 0.4]]}\n")
    settings = Settings.of({"routing_policy": str(path), "min_dwell_s": 1.0})
    assert settings.policy().quality == {"night": ((0.1, 0.5),), "day": ((0.1, 0.4),)}
    assert settings.policy().min_dwell_s == 1.0
    path.write_text("format: 9\n")
    with pytest.raises(NightsegError, match="format 9"):
        Settings.of({"routing_policy": str(path)})
    with pytest.raises(NightsegError, match=r"cannot read .*gone\.yaml"):
        Settings.of({"routing_policy": str(tmp_path / "gone.yaml")})


def test_all_faults_are_reported_immediately():
    with pytest.raises(NightsegError) as error:
        Settings.of({"route": "dusk", "threads": -1})
    assert "route: " in str(error.value)
    assert "threads: " in str(error.value)


def test_change_leaves_the_old_settings_alone():
    old = Settings()
    new = old.changed({"route": "night", "min_dwell_s": 5.0})
    assert old == Settings()
    assert dataclasses.asdict(new) == {
        **dataclasses.asdict(old),
        "route": "night",
        "min_dwell_s": 5.0,
    }
