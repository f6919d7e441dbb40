# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The right bundle for each role, or the reason why there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import models as tiny
from support.label_files import PARK

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.choice import choose_bundles, choose_models, find_model, shared_labels
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet, label_set

PARK3 = LabelSet.from_dict(yaml.safe_load(PARK))


def break_network(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"broken")


def test_each_role_gets_its_bundle(tmp_path: Path) -> None:
    chosen = choose_bundles(tiny.models_folder(tmp_path))
    assert {role: bundle.name for role, bundle in chosen.items()} == {
        "day": "tiny_day",
        "night": "tiny_night",
        "translator": "tiny_translator",
    }


def test_a_fused_model_is_taken_where_somebody_asks_for_it(tmp_path: Path) -> None:
    tiny.models_folder(tmp_path)
    tiny.segmenter(tmp_path / "both", route="fused")
    usual = {"day", "night", "translator"}
    assert set(choose_bundles(tmp_path)) == usual
    assert set(choose_bundles(tmp_path, every=True)) == {*usual, "fused"}
    assert choose_bundles(tmp_path, {"fused": "both"})["fused"].role == "fused"
    assert set(choose_bundles(tmp_path, roles=("fused",))) == {"fused"}
    tiny.segmenter(tmp_path / "other_both", route="fused")
    assert set(choose_bundles(tmp_path)) == usual


def test_two_bundles_for_a_role_need_a_name(tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "a")
    tiny.segmenter(tmp_path / "b")
    with pytest.raises(NightsegError, match="several bundles for 'day': a, b"):
        choose_bundles(tmp_path)
    assert choose_bundles(tmp_path, {"day": "b"})["day"].name == "b"
    assert choose_bundles(tmp_path, {"day": "b", "night": ""}).keys() == {"day"}


def test_a_broken_bundle_does_not_stop_the_others(tmp_path: Path) -> None:
    tiny.models_folder(tmp_path)
    break_network(tmp_path / "tiny_night")
    assert choose_bundles(tmp_path).keys() == {"day", "translator"}
    for request in ({"names": {"night": "tiny_night"}}, {"roles": ("day", "night")}):
        with pytest.raises(NightsegError, match=r"sha256 of model\.onnx"):
            choose_bundles(tmp_path, **request)


def test_only_the_roles_that_are_asked_for_are_looked_at(tmp_path: Path) -> None:
    tiny.models_folder(tmp_path)
    tiny.segmenter(tmp_path / "second_day")
    assert choose_bundles(tmp_path, roles=("night",)).keys() == {"night"}


def test_the_reason_for_an_empty_role_is_reported(tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "a")
    with pytest.raises(NightsegError, match=r"no usable 'night' model in .* .it contains a"):
        choose_bundles(tmp_path, roles=("day", "night"))
    with pytest.raises(NightsegError, match=r"no model 'b' in .*; it contains a"):
        choose_bundles(tmp_path, {"night": "b"})
    with pytest.raises(NightsegError, match="a is for 'day', not for 'night'"):
        choose_bundles(tmp_path, {"night": "a"})
    with pytest.raises(NightsegError, match="role 'dusk' is unknown"):
        choose_bundles(tmp_path, {"dusk": "a"})
    with pytest.raises(NightsegError, match=r"there is no models folder .*nowhere"):
        choose_bundles(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NightsegError, match=r"no usable model in .* .it contains no good bundle"):
        choose_bundles(tmp_path / "empty")


def test_a_mixture_of_label_sets_is_refused(tmp_path: Path) -> None:
    day = tiny.segmenter(tmp_path / "day")
    night = tiny.segmenter(tmp_path / "night", route="night", labels=label_set("joint11"))
    translator = tiny.translator(tmp_path / "translator")
    assert shared_labels([translator, day]) == CITYSCAPES19
    said = (
        r"day and night have different classes \(cityscapes19, joint11\): only day has wall, .*, "
        r"only night has sign, vehicle; set labels_as \(--labels-as\) to joint11"
    )
    with pytest.raises(NightsegError, match=said):
        shared_labels([day, translator, night])
    with pytest.raises(NightsegError, match="none of the models segments"):
        shared_labels([translator])


def test_models_of_different_classes_are_joined_by_a_map(tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "day")
    tiny.segmenter(tmp_path / "night", route="night", labels=PARK3)
    tiny.translator(tmp_path / "translator")
    for name, labels in (("park3", PARK3), ("joint11", label_set("joint11"))):
        _, bundles = choose_models([], tmp_path, labels_as=name)
        assert set(bundles) == {"day", "night", "translator"}
        assert shared_labels(bundles.values()) == labels
        assert bundles["day"].labels == CITYSCAPES19
    _, alone = choose_models(["night"], tmp_path, labels_as="joint11")
    assert shared_labels(alone.values()).name == "joint11"


def test_models_that_no_map_joins_are_refused(tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "day")
    tiny.segmenter(tmp_path / "night", route="night", labels=replace(PARK3, sources={}, targets={}))
    with pytest.raises(NightsegError, match="no map joins them: describe one in a label file"):
        shared_labels(choose_bundles(tmp_path).values())
    with pytest.raises(NightsegError, match="no map from label set 'park3' to 'joint11'"):
        choose_models([], tmp_path, labels_as="joint11")
    with pytest.raises(NightsegError, match="label set 'mine' is unknown"):
        choose_models([], tmp_path, labels_as="mine")


def test_two_label_sets_of_one_name_are_not_confused(tmp_path: Path) -> None:
    other = replace(PARK3, labels=PARK3.labels[:2], sources={}, targets={})
    tiny.segmenter(tmp_path / "day", labels=PARK3)
    tiny.segmenter(tmp_path / "night", route="night", labels=other)
    with pytest.raises(NightsegError, match=r"two label sets .* are named 'park3'; rename one"):
        choose_models([], tmp_path, labels_as="park3")


def test_the_reference_is_taken_where_no_model_has_figures(tmp_path):
    for number, name in enumerate(("erf_pspnet_fast_day", "erf_pspnet_day", "my_day")):
        tiny.segmenter(tmp_path / name, seed=number, name=name)
    assert choose_bundles(tmp_path)["day"].name == "erf_pspnet_day"
    assert choose_bundles(tmp_path, {"day": "my_day"})["day"].name == "my_day"


def measured(folder: Path, miou: float, ms: dict[str, float], **fields: Any) -> None:
    metrics = {"bdd_night_val": {"miou": miou}, "milliseconds": ms}
    tiny.segmenter(folder, route="night", metrics=metrics, **fields)


@pytest.mark.parametrize(
    ("budget_ms", "engine", "chosen"),
    [
        (0, "", "quick"),  # it sees best of those that take no longer than the reference
        (0, "openvino", "erf_pspnet_night"),  # on which `quick` takes longer than the reference
        (500, "", "large"),
        (20, "", "small"),
        (5, "", "small"),  # none keeps the budget: the fastest
    ],
)
def test_the_model_that_sees_best_in_time_is_chosen(tmp_path, budget_ms, engine, chosen):
    measured(tmp_path / "erf_pspnet_night", 35, {"onnxruntime-cpu": 60, "openvino": 30})
    measured(tmp_path / "quick", 45, {"onnxruntime-cpu": 35, "openvino": 31})
    measured(tmp_path / "large", 60, {"onnxruntime-cpu": 300, "openvino": 150})
    measured(tmp_path / "small", 30, {"onnxruntime-cpu": 10})
    tiny.segmenter(tmp_path / "without_figures", route="night", seed=5)
    found = choose_bundles(tmp_path, budget_ms=budget_ms, engine=engine)
    assert found["night"].name == chosen


def test_a_model_may_serve_a_further_route(tmp_path):
    measured(tmp_path / "both", 50, {}, also=("day",))
    assert Bundle.load(tmp_path / "both").roles == ("night", "day")
    found = choose_bundles(tmp_path)
    assert {role: bundle.role for role, bundle in found.items()} == {"day": "day", "night": "night"}
    assert choose_bundles(tmp_path, {"day": "both"})["day"].name == "both"
    for route, chosen in (("day", "day"), ("night", "night"), (None, "night")):
        assert choose_models(("both",), tmp_path, route)[1].keys() == {chosen}


def test_a_model_is_named_by_its_name_or_its_folder(tmp_path, monkeypatch):
    folder = tiny.models_folder(tmp_path / "models")
    other = tiny.segmenter(tmp_path / "own", name="other", route="night").path
    assert find_model("tiny_day", folder).path == folder / "tiny_day"
    assert find_model(str(other), folder).name == "other"
    assert find_model(str(other), tmp_path / "nowhere").name == "other"
    monkeypatch.chdir(tmp_path)
    for named in ("own", "./own", "own/"):
        assert find_model(named, folder).name == "other"
    tiny.segmenter(folder / "own", seed=3)
    assert (
        find_model("own", folder).path == folder / "own"
    )  # and not a folder that happens to be here
    tiny.segmenter(folder / "renamed", seed=4, name="first")
    assert find_model("first", folder).path == folder / "renamed"


def test_a_mistyped_name_is_put_right(tmp_path):
    folder = tiny.models_folder(tmp_path)
    with pytest.raises(NightsegError, match=r"no model 'tiny_dya' .*; did you mean 'tiny_day'\?"):
        find_model("tiny_dya", folder)
    with pytest.raises(
        NightsegError, match=r"no model 'x' in .*; it contains tiny_day, tiny_night"
    ):
        find_model("x", folder)


@pytest.mark.parametrize(
    ("models", "route", "chosen", "roles"),
    [
        ([], None, "auto", "day night translator"),
        ([], "translate", "translate", "translator day"),
        (["tiny_night"], None, "night", "night"),
        (["tiny_night"], "auto", "auto", "night"),
        (["tiny_translator"], None, "translate", "translator day"),
        (["tiny_translator", "tiny_day"], None, "translate", "translator day"),
        (["tiny_day", "tiny_night"], None, "auto", "day night"),
        (["tiny_day"], "translate", "translate", "translator day"),
        (["tiny_day", "tiny_night"], "all", "all", "day night"),
    ],
)
def test_models_and_route_are_chosen_together(tmp_path, models, route, chosen, roles):
    folder = tiny.models_folder(tmp_path)
    found, bundles = choose_models(models, folder, route)
    assert (found, " ".join(bundles)) == (chosen, roles)


@pytest.mark.parametrize(
    ("models", "route", "said"),
    [
        (["tiny_day", "tiny_night"], "night", "route night does not use tiny_day"),
        (["tiny_day", "tiny_day"], None, "tiny_day and tiny_day are both for 'day'"),
    ],
)
def test_models_that_the_route_does_not_use_are_refused(tmp_path, models, route, said):
    with pytest.raises(NightsegError, match=said):
        choose_models(models, tiny.models_folder(tmp_path), route)
