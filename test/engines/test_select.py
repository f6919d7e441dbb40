# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The right bundle for each role, or the reason why there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import models_for_tests as tiny

from nightseg_ros.engines import select
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.engines.select import (
    choose_bundles,
    create_engine,
    create_engines,
    shared_labels,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19, JOINT11


def break_network(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"broken")


def test_each_role_gets_its_bundle(tmp_path: Path) -> None:
    chosen = choose_bundles(tiny.models_folder(tmp_path))
    assert {role: bundle.name for role, bundle in chosen.items()} == {
        "day": "tiny_day",
        "night": "tiny_night",
        "translator": "tiny_translator",
    }


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


def test_engines_that_cannot_be_had_are_refused(tmp_path: Path) -> None:
    bundle = tiny.segmenter(tmp_path / "net")
    with pytest.raises(NightsegError, match="engine 'coral' is unknown; there are auto"):
        create_engine(bundle, "coral")
    for name in ("fake", "onnxruntime-cpu"):
        with pytest.raises(NightsegError, match=f"engine '{name}' cannot run on a GPU"):
            create_engine(bundle, name, require_gpu=True)


def test_a_missing_onnx_runtime_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nightseg_ros.engines.onnxruntime_engine", None)
    with pytest.raises(NightsegError, match="pip install onnxruntime"):
        create_engine(tiny.segmenter(tmp_path / "net"))


def test_the_fake_takes_its_delay_and_needs_no_network(tmp_path: Path) -> None:
    engine = create_engine(tiny.segmenter(tmp_path / "net", onnx=b"none"), "fake", delay_s=0.001)
    assert isinstance(engine, FakeEngine)
    assert engine.delay_s == 0.001
    assert engine.runs == 1  # the warm-up


def test_all_engines_are_closed_when_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[FakeEngine] = []

    def create(bundle: object, engine: str, **options: object) -> Engine:
        if created:
            raise NightsegError("no memory left")
        created.append(FakeEngine())
        return created[0]

    bundles = choose_bundles(tiny.models_folder(tmp_path))
    monkeypatch.setattr(select, "create_engine", create)
    with pytest.raises(NightsegError, match="no memory left"):
        create_engines(bundles, "fake")
    assert [engine.closed for engine in created] == [True]


def test_an_engine_that_fails_its_warm_up_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = FakeEngine((tiny.HEIGHT, tiny.WIDTH), fail_next=1)
    monkeypatch.setattr(select.FakeEngine, "for_bundle", lambda bundle, delay_s: broken)
    with pytest.raises(NightsegError, match="told to fail"):
        create_engine(tiny.segmenter(tmp_path / "net"), "fake")
    assert broken.closed


def test_the_models_of_this_package_win_where_nobody_is_named(tmp_path):
    for number, name in enumerate(("erf_pspnet_fast_day", "erf_pspnet_day", "my_day")):
        tiny.segmenter(tmp_path / name, seed=number, name=name)
    assert choose_bundles(tmp_path)["day"].name == "erf_pspnet_day"
    assert choose_bundles(tmp_path, {"day": "my_day"})["day"].name == "my_day"
