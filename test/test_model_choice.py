# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The right bundle for each role, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

import models_for_tests as tiny
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19, JOINT11
from nightseg_ros.model_choice import choose_bundles, shared_labels


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


def test_the_reason_for_an_empty_role_is_told(tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "a")
    with pytest.raises(NightsegError, match=r"no usable 'night' model in .*, it holds a"):
        choose_bundles(tmp_path, roles=("day", "night"))
    with pytest.raises(NightsegError, match=r"no bundle 'b' in .*, it holds a"):
        choose_bundles(tmp_path, {"night": "b"})
    with pytest.raises(NightsegError, match="a is for 'day', not for 'night'"):
        choose_bundles(tmp_path, {"night": "a"})
    with pytest.raises(NightsegError, match="role 'dusk' is unknown"):
        choose_bundles(tmp_path, {"dusk": "a"})
    with pytest.raises(NightsegError, match=r"there is no models folder .*nowhere"):
        choose_bundles(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NightsegError, match=r"no usable model in .*, it holds no good bundle"):
        choose_bundles(tmp_path / "empty")


def test_a_mixture_of_label_sets_is_refused(tmp_path: Path) -> None:
    day = tiny.segmenter(tmp_path / "day")
    night = tiny.segmenter(tmp_path / "night", route="night", labels=JOINT11)
    translator = tiny.translator(tmp_path / "translator")
    assert shared_labels([translator, day]) == CITYSCAPES19
    with pytest.raises(NightsegError, match="day and night have different classes"):
        shared_labels([day, translator, night])
    with pytest.raises(NightsegError, match="none of the models segments"):
        shared_labels([translator])


def test_the_models_of_this_package_win_where_nobody_is_named(tmp_path):
    for number, name in enumerate(("erf_pspnet_fast_day", "erf_pspnet_day", "my_day")):
        tiny.segmenter(tmp_path / name, seed=number, name=name)
    assert choose_bundles(tmp_path)["day"].name == "erf_pspnet_day"
    assert choose_bundles(tmp_path, {"day": "my_day"})["day"].name == "my_day"
