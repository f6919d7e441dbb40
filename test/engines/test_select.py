# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fastest engine that can run, with the reasons against faster ones; on fake machines."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace

import pytest
from support import models as tiny

from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.engines import kinds, quick_check, select
from nightseg_ros.engines.cache.built import NeverBuiltError
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.engines.kinds import KINDS, Kind
from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
from nightseg_ros.engines.select import BEST_OF, ENGINES, create_engine, create_engines
from nightseg_ros.errors import NightsegError


@dataclass
class Machine:
    """What can be made on it, what cannot be, and what was."""

    missing: dict[str, str] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    made: list[FakeEngine] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    def kind(self, name: str) -> Kind:
        def create(bundle, options):
            if name in self.failing:
                raise self.failing[name]
            engine = FakeEngine.for_bundle(bundle)
            engine.info = replace(engine.info, provider=name)
            self.made.append(engine)
            return engine

        return replace(KINDS[name], create=create, why_not=lambda: self.missing.get(name, ""))


@pytest.fixture
def bundle(tmp_path):
    return tiny.segmenter(tmp_path / "net")


@pytest.fixture
def machine(monkeypatch):
    """Return a machine with a GPU and every library."""
    machine = Machine()
    made_up = {name: machine.kind(name) for name in KINDS}
    monkeypatch.setattr(select, "KINDS", made_up)
    monkeypatch.setattr(select, "gpu_device", lambda: "/dev/nvidia0")
    monkeypatch.setattr(select, "why_no_gpu", lambda: "")
    monkeypatch.setattr(
        quick_check, "check_quickly", lambda engine, _: machine.checked.append(engine.info.provider)
    )
    return machine


def test_auto_takes_the_fastest_and_reports_it(machine, bundle):
    said = []
    info = create_engine(bundle, log=said.append).info
    assert (info.provider, info.fallback_reason) == ("tensorrt", "")
    assert said == ["net: engine auto selects tensorrt"]
    assert machine.checked == []  # it is proven when it is built


def test_gpu_engines_that_nobody_has_proven_are_checked(machine, bundle):
    machine.missing["tensorrt"] = "not installed"
    create_engine(bundle)
    machine.missing |= {name: "no GPU" for name, kind in KINDS.items() if kind.gpu}
    create_engine(bundle)
    assert machine.checked == ["onnxruntime-tensorrt"]


def test_auto_goes_from_the_fastest_to_the_last(machine, bundle):
    taken = []
    for name in BEST_OF["auto"]:
        taken.append(create_engine(bundle).info.provider)
        machine.missing[name] = f"{name} is not installed"
    assert tuple(taken) == BEST_OF["auto"]
    with pytest.raises(NightsegError, match="onnxruntime-cpu is not installed"):
        create_engine(bundle)


def test_an_idle_gpu_is_reported_with_all_its_reasons(machine, bundle):
    gpu = [name for name, kind in KINDS.items() if kind.gpu]
    machine.missing = {name: f"no library for {name}" for name in gpu}
    machine.failing["onnxruntime-cuda"] = RuntimeError("cuDNN is missing")
    del machine.missing["onnxruntime-cuda"]
    info = create_engine(bundle).info
    assert info.provider == "openvino-int8"
    for text in (
        "no library for tensorrt",
        "onnxruntime-cuda cannot run the network (cuDNN is mis",
    ):
        assert text in info.fallback_reason


def test_what_is_not_installed_is_no_fallback_where_there_is_no_gpu(machine, bundle, monkeypatch):
    monkeypatch.setattr(select, "gpu_device", lambda: "")
    machine.missing = {name: "no GPU" for name, kind in KINDS.items() if kind.gpu}
    machine.missing["openvino-int8"] = "OpenVINO cannot be imported"
    info = create_engine(bundle).info
    assert (info.provider, info.fallback_reason) == ("onnxruntime-cpu", "")


def test_what_was_never_built_is_no_fallback_but_what_is_stale_is(machine, bundle, monkeypatch):
    monkeypatch.setattr(select, "gpu_device", lambda: "")
    machine.missing = {name: "no GPU" for name, kind in KINDS.items() if kind.gpu}
    machine.failing["openvino-int8"] = NeverBuiltError("there is no engine")
    assert create_engine(bundle).info.fallback_reason == ""
    machine.failing["openvino-int8"] = NightsegError("the engine is stale; build it")
    reason = create_engine(bundle).info.fallback_reason
    assert reason == "engine openvino-int8: the engine is stale; build it"


def test_a_tensorrt_that_is_installed_and_has_no_engine_is_reported(machine, bundle):
    never = NeverBuiltError("there is no engine; nightseg build-engine")
    machine.failing = {"tensorrt": never, "onnxruntime-tensorrt": NeverBuiltError("none")}
    machine.missing["onnxruntime-nvrtx"] = "not installed"
    info = create_engine(bundle).info
    assert info.provider == "onnxruntime-cuda"
    assert info.fallback_reason == "there is no engine; nightseg build-engine"


def test_an_engine_with_other_masks_is_passed_over_and_closed(machine, bundle, monkeypatch):
    def check(engine, _):
        if engine.info.provider == "onnxruntime-tensorrt":
            raise NightsegError("gives other masks")

    monkeypatch.setattr(quick_check, "check_quickly", check)
    machine.missing["tensorrt"] = "not installed"
    info = create_engine(bundle).info
    assert info.provider == "onnxruntime-nvrtx"
    assert info.fallback_reason == "engine onnxruntime-tensorrt: gives other masks"
    assert [engine.closed for engine in machine.made] == [True, False]


def test_a_required_gpu_is_never_replaced_by_the_cpu(machine, bundle, monkeypatch):
    for name in ("fake", "onnxruntime-cpu", "openvino", "openvino-int8"):
        with pytest.raises(NightsegError, match=f"engine '{name}' cannot run on a GPU"):
            create_engine(bundle, name, require_gpu=True)
    machine.missing = {name: f"no {name}" for name, kind in KINDS.items() if kind.gpu}
    with pytest.raises(NightsegError, match=r"a GPU is required, .*no tensorrt.*no onnxruntime-cu"):
        create_engine(bundle, require_gpu=True)
    with pytest.raises(NightsegError, match="a GPU is required"):
        create_engine(bundle, "onnxruntime", require_gpu=True)
    machine.failing["tensorrt"] = NightsegError("stale")
    with pytest.raises(NightsegError, match="a GPU is required"):
        create_engine(bundle, "tensorrt", require_gpu=True, allow_fallback=True)
    monkeypatch.setattr(select, "why_no_gpu", lambda: "the driver is dead")
    with pytest.raises(NightsegError, match=r"none can be used \(the driver is dead\)"):
        create_engine(bundle, require_gpu=True)


def test_an_engine_that_was_named_is_replaced_only_where_that_is_allowed(machine, bundle):
    machine.failing["tensorrt"] = NightsegError("the engine is stale")
    with pytest.raises(NightsegError, match="the engine is stale"):
        create_engine(bundle, "tensorrt")
    machine.missing["onnxruntime-tensorrt"] = machine.missing["onnxruntime-nvrtx"] = "no library"
    info = create_engine(bundle, "tensorrt", allow_fallback=True).info
    assert info.provider == "onnxruntime-cuda"
    assert info.fallback_reason.startswith("engine tensorrt was requested: the engine is stale")


def test_an_error_of_a_library_is_a_reason_to_fall_back_too(machine, bundle):
    machine.failing["tensorrt"] = RuntimeError("at line 3:\nno memory left")
    with pytest.raises(NightsegError, match=r"engine tensorrt cannot run .* \(no memory left\); "):
        create_engine(bundle, "tensorrt")
    info = create_engine(bundle, "tensorrt", allow_fallback=True).info
    assert info.provider == "onnxruntime-tensorrt"
    assert "no memory left" in info.fallback_reason


def test_unknown_engines_are_refused(bundle):
    with pytest.raises(NightsegError, match="engine 'coral' is unknown; there are auto"):
        create_engine(bundle, "coral")
    assert set(ENGINES) == {*KINDS, "auto", "onnxruntime"}


def test_the_error_of_the_last_resort_is_the_one_that_is_reported(bundle):
    bundle.onnx_path.write_bytes(b"damaged")
    with pytest.raises(NightsegError, match=r"sha256 of model\.onnx"):
        create_engine(bundle)


def test_missing_libraries_are_reported(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "nightseg_ros.engines.onnxruntime.engine", None)
    with pytest.raises(NightsegError, match="pip install onnxruntime"):
        create_engine(bundle, "onnxruntime-cpu")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(NightsegError, match=r"pip install '\.\[openvino\]'"):
        create_engine(bundle, "openvino")
    assert "is not installed" in KINDS["openvino-int8"].why_not()
    assert kinds.KINDS["fake"].why_not() == ""


def test_the_fake_takes_its_delay_and_needs_no_network(tmp_path):
    engine = create_engine(tiny.segmenter(tmp_path / "net", onnx=b"none"), "fake", delay_s=0.001)
    assert isinstance(engine, FakeEngine)
    assert engine.delay_s == 0.001
    assert engine.runs == 1  # the warm-up


def test_all_engines_are_closed_when_one_fails(tmp_path, monkeypatch):
    created = []

    def create(bundle, engine, **options):
        if created:
            raise NightsegError("no memory left")
        created.append(FakeEngine())
        return created[0]

    bundles = choose_bundles(tiny.models_folder(tmp_path))
    monkeypatch.setattr(select, "create_engine", create)
    with pytest.raises(NightsegError, match="no memory left"):
        create_engines(bundles, "fake")
    assert [engine.closed for engine in created] == [True]


def test_an_engine_that_fails_its_warm_up_is_closed(bundle, monkeypatch):
    broken = FakeEngine((tiny.HEIGHT, tiny.WIDTH), fail_next=1)
    monkeypatch.setattr(FakeEngine, "for_bundle", lambda bundle, delay_s: broken)
    with pytest.raises(NightsegError, match="set to fail"):
        create_engine(bundle, "fake")
    assert broken.closed


def test_the_quick_check_finds_another_model(tmp_path, bundle):
    other = OnnxRuntimeEngine(tiny.segmenter(tmp_path / "other", seed=7))
    with pytest.raises(NightsegError, match="returns other masks than the ONNX on the CPU"):
        quick_check.check_quickly(other, bundle)
    assert quick_check.check_quickly(OnnxRuntimeEngine(bundle), bundle).equal_share == 1.0
