# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The race, what is made of its rows, and the processes that run it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.engine_bench import bench as engine_bench
from nightseg_ros.trials.engine_bench import table as engine_bench_table
from nightseg_ros.trials.engine_bench.bench import (
    Bench,
    Contender,
    Plan,
    add_shares,
    drop_hopeless,
)
from nightseg_ros.trials.engine_bench.child import Child, run_for
from nightseg_ros.trials.engine_bench.gemm import GemmRunner
from nightseg_ros.trials.engine_bench.plot import plot
from nightseg_ros.trials.engine_bench.ratios import ratios
from nightseg_ros.trials.engine_bench.runners import tensorrt_for_speed

CELL = "nightseg_ros.cli.bench_cell"


class FakeChild:
    """Notes in which order blocks are run; a network 'broken' cannot be created."""

    order: list[str]
    closed: list[str]

    def __init__(self, module, spec, env) -> None:
        self.name = spec.get("way") or spec["engine"]
        if self.name == "broken":
            raise NightsegError("no such library")
        self.facts = {
            "backend": self.name,
            "device": "cpu",
            "precision": spec.get("precision", "fp32"),
            "ready_s": 0.5,
            "side": 64,
        }

    def run(self, seconds, least):
        if self.name == "stops":
            raise NightsegError("no answer in 1 s")
        FakeChild.order.append(self.name)
        ms = {"slow_product": 8.0, "product": 4.0}.get(self.name, 10.0)
        return {"ms": [ms] * least, "peak_mb": float(len(FakeChild.order))}

    def close(self) -> None:
        FakeChild.closed.append(self.name)


@pytest.fixture
def race(monkeypatch):
    FakeChild.order, FakeChild.closed = [], []
    monkeypatch.setattr(engine_bench, "Child", FakeChild)
    monkeypatch.setattr(engine_bench, "busy_share", lambda: 0.0)
    return FakeChild


def contender(engine, **facts):
    row = {
        "network": "net", "kind": "segmentation", "models": ["net_day"], "width": 480,
        "height": 272, "batch": 1, "engine": engine, "macs": 2_000_000, "weights": "shipped",
    }  # fmt: skip
    return Contender({**row, **facts}, {"engine": engine})


def test_rounds_turn_round_and_the_ceiling_runs_in_each(race):
    with Bench(Plan(rounds=3, least=2)) as bench:
        bench.find_ceilings([("slow_product", "fp32"), ("product", "fp32")])
        assert race.closed == ["slow_product"]  # the faster one stays
        race.order.clear()
        rows = bench.race([contender("a"), contender("b")])
    turn = ["product", "a", "b"]
    assert race.order == [*turn, *reversed(turn), *turn]
    assert sorted(race.closed) == ["a", "b", "product", "slow_product"]
    assert [row["runs"] for row in rows] == [6, 6]
    (ceiling,) = bench.ceilings()
    assert ceiling["library"] == "product"
    assert ceiling["gflops"] == pytest.approx(2 * 64**3 / 4e-3 / 1e9)
    add_shares(rows, [ceiling])
    # 2 M multiply-adds in 10 ms are 0.4 GFLOP/s
    assert rows[0]["gflops"] == pytest.approx(0.4)
    assert rows[0]["share"] == pytest.approx(0.4 / ceiling["gflops"])


def test_what_cannot_run_is_reported_and_stops_nothing(race):
    with Bench(Plan(rounds=2)) as bench:
        rows = bench.race([contender("broken"), contender("stops"), contender("a")])
    assert [row["engine"] for row in rows] == ["a"]
    assert {(e["engine"], e["reason"]) for e in bench.left_out} == {
        ("broken", "no such library"),
        ("stops", "no answer in 1 s"),
    }
    assert sorted(race.closed) == ["a", "stops"]
    assert drop_hopeless(["broken", "stops", "a"], rows) == ["a"]


def test_a_busy_machine_is_waited_for_and_then_reported(race, monkeypatch):
    shares = iter([0.9, 0.9, 0.05])
    monkeypatch.setattr(engine_bench, "busy_share", lambda: next(shares))
    with Bench(Plan(rounds=1)) as bench:
        (row,) = bench.race([contender("a")])
    assert (row["blocks"], row["busy_blocks"]) == (1, 0)
    monkeypatch.setattr(engine_bench, "busy_share", lambda: 0.9)
    monkeypatch.setattr(engine_bench, "LONGEST_WAIT_S", 0.0)
    with Bench(Plan(rounds=3)) as bench:
        (row,) = bench.race([contender("a")])
    assert (row["blocks"], row["busy_blocks"]) == (3, 3)
    assert "DISTURBED" in engine_bench_table.render(result([row]))


def test_other_precisions_and_devices_have_other_ceilings():
    rows = [
        {"device": "cuda:0", "precision": "fp16", "gflops": 50.0},
        {"device": "cpu", "precision": "int8", "gflops": 50.0},
        {"device": "cpu", "precision": "fp32", "gflops": None},
    ]
    ceilings = [
        {"device": "gpu", "precision": "fp16", "gflops": 100.0},
        {"device": "cpu", "precision": "fp32", "gflops": 200.0},
    ]
    add_shares(rows, ceilings)
    assert [row["share"] for row in rows] == [0.5, None, None]


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"seconds": -1.0}, {"threads": -2}])
def test_impossible_plans_are_refused(wrong):
    with pytest.raises(NightsegError, match="at least one round"):
        Plan(**wrong)


def result(rows):
    for row in rows:
        row.setdefault("share", None)
    return {
        "machine": {"cpu": "a CPU", "cores": 2, "gpu": "", "threads": 0},
        "ceilings": [
            {"device": "cpu", "precision": "fp32", "gflops": 175.0, "library": "numpy", "side": 8}
        ],
        "rows": rows,
        "left_out": [
            {"engine": "tensorrt", "network": name, "reason": "no GPU"} for name in ("a", "b")
        ],
        "ratios": ratios(rows),
    }


def row(network, engine="onnxruntime-cpu", **facts):
    made = {
        "network": network, "kind": "segmentation", "models": [], "width": 480, "height": 272,
        "batch": 1, "engine": engine, "macs": 6_600_000_000, "weights": "random",
        "backend": engine.split("-")[0], "provider": "", "device": "cpu", "precision": "fp32",
        "ready_s": 0.3, "runs": 12, "p50_ms": 80.0, "p95_ms": 90.0, "p99_ms": 95.0,
        "least_ms": 79.0, "images_per_s": 12.4, "peak_mb": 131.2, "gpu_mb": None, "note": "",
        "gflops": 165.0, "share": 0.94, "blocks": 2, "busy_blocks": 0,
    }  # fmt: skip
    return {**made, **facts}


ROWS = [
    row("ERF-PSPNet", models=["erf_pspnet_day", "erf_pspnet_night"], weights="shipped"),
    row("ERF-PSPNet", "openvino", p50_ms=70.0),
    row("ERF-PSPNet", "openvino-int8", p50_ms=35.0, precision="int8"),
    row("ERF-PSPNet fast", p50_ms=25.0),
    row("translator light", kind="translation", p50_ms=100.0, note="without CUDA graph"),
    row("ERF-PSPNet", width=640, height=360, p50_ms=140.0),
    row("ERF-PSPNet", batch=4, p50_ms=320.0),
]


def test_ratios_compare_like_with_like():
    found = {(e["what"], e["engine"]): e for e in ratios(ROWS)}
    assert found["fast / full", "onnxruntime-cpu"]["ratio"] == pytest.approx(3.2)
    assert found["int8 / fp32", "openvino-int8"]["ratio"] == pytest.approx(2.0)
    both = [e["ms"] for e in ratios(ROWS) if e["what"] == "translate route"]
    assert both == [pytest.approx(180.0), pytest.approx(125.0)]
    assert len(ratios(ROWS)) == 4
    fused = [row("fused ERF-PSPNet", p50_ms=168.0), row("fused ERF-PSPNet fast", p50_ms=50.0)]
    against = [e for e in ratios([*ROWS, *fused]) if e["what"] == "fused / one channel"]
    assert [e["ratio"] for e in against] == [pytest.approx(2.1), pytest.approx(2.0)]
    assert against[0]["text"] == "fused ERF-PSPNet takes 2.10 times the time of ERF-PSPNet"
    assert ratios([]) == []


def test_the_table_holds_every_figure():
    text = engine_bench_table.render(result(ROWS))
    assert "ceiling cpu fp32: 175 GFLOP/s (numpy" in text
    line = next(line for line in text.splitlines() if line.startswith("ERF-PSPNet  "))
    for figure in ("80.00", "90.00", "95.00", "12.4", "6.60", "165.0", "94%", "131", "shipped"):
        assert figure in line
    assert "480x272, 4 images at once" in text
    assert "ERF-PSPNet: erf_pspnet_day, erf_pspnet_night" in text
    assert "translator light, onnxruntime-cpu: without CUDA graph" in text
    assert "3.20 times the frame rate" in text
    assert "tensorrt (a, b): no GPU" in text
    assert "DISTURBED" not in text


@pytest.mark.parametrize("rows", [ROWS, ROWS[:2], ROWS[6:]])
def test_the_picture_is_drawn(tmp_path, rows):
    pytest.importorskip("matplotlib", reason="the picture needs the extra train")
    assert plot(result(rows), tmp_path / "bench.png") == ""
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_runs_last_and_are_as_many_as_wanted():
    runs = []
    assert len(run_for(lambda: runs.append(1), 0.0, 3)) == len(runs) == 3
    assert len(run_for(lambda: None, 0.01, 1)) >= 1


@pytest.mark.parametrize(
    ("way", "precision"),
    [("numpy", "fp32"), ("onnxruntime", "fp32"), ("openvino", "fp32"), ("onnxruntime", "int8"),
     ("openvino", "int8")],
)  # fmt: skip
def test_the_ceiling_really_multiplies(way, precision):
    if way != "numpy":
        pytest.importorskip(way)
        pytest.importorskip("onnx")
    runner = GemmRunner(way, precision, 32, 1)
    runner.step()
    outputs = runner._run()
    found = outputs[0] if way != "numpy" else outputs
    assert np.asarray(found).shape == (32, 32)
    assert np.abs(np.asarray(found)).max() > 0
    runner.close()


def test_ways_that_are_none_are_refused():
    with pytest.raises(NightsegError, match="'abacus'"):
        GemmRunner("abacus", "fp32", 32, 1)
    with pytest.raises(NightsegError, match="numpy multiplies no int8"):
        GemmRunner("numpy", "int8", 32, 1)


def test_a_child_measures_its_own_memory():
    ballast = np.ones(200 << 20, np.uint8)  # the child must not count what this process holds
    child = Child(CELL, {"kind": "gemm", "way": "numpy", "precision": "fp32", "side": 16,
                         "threads": 1}, {"OPENBLAS_NUM_THREADS": "1"})  # fmt: skip
    answer = child.run(0.0, 5)
    child.close()
    child.close()
    assert child.facts["backend"] == "numpy"
    assert len(answer["ms"]) == 5
    assert 5 < answer["peak_mb"] < ballast.nbytes / (1 << 20)
    json.dumps(answer)


def test_a_child_that_cannot_start_says_why():
    with pytest.raises(NightsegError, match="matrix products by 'abacus'"):
        Child(CELL, {"kind": "gemm", "way": "abacus", "precision": "fp32", "side": 16,
                     "threads": 0}, {})  # fmt: skip


def test_a_child_that_dies_shows_the_end_of_its_log():
    with pytest.raises(NightsegError, match=r"ended by itself \(exit code 1, .*no_such_module"):
        Child("nightseg_ros.no_such_module", {}, {})


class FakeTensorRt:
    """Refuses to prove itself, as one of random weights may; taken as it is, it runs."""

    def __init__(self, bundle, *, allow_build=False, batch=1, cached=None) -> None:
        if cached is None:
            raise NightsegError("too few pixels are equal")
        self.cached = cached


@pytest.mark.parametrize("name", ["random_480x272", "erf_pspnet_day"])
def test_only_random_weights_may_run_unproven(monkeypatch, name):
    from nightseg_ros.engines.cache import store as cache
    from nightseg_ros.engines.tensorrt import engine as tensorrt_engine

    key = SimpleNamespace(sha256="ab", batch=8)
    entries = [SimpleNamespace(engine=None), SimpleNamespace(engine=SimpleNamespace(key=key))]
    monkeypatch.setattr(tensorrt_engine, "TensorRtEngine", FakeTensorRt)
    monkeypatch.setattr(cache.EngineCache, "entries", lambda self: entries)
    bundle = SimpleNamespace(name=name, sha256="ab")
    if name.startswith("random"):
        assert tensorrt_for_speed(bundle, 8).cached is entries[1].engine
    with pytest.raises(NightsegError, match="too few pixels"):
        tensorrt_for_speed(bundle, 8 if name == "erf_pspnet_day" else 1)
