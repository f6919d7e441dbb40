# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench engines` on networks so small that only the rest is tested."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest
from support.models import HEIGHT, WIDTH, models_folder, segmenter

from nightseg_ros.cli import bench_engines
from nightseg_ros.cli.main import main
from nightseg_ros.trials.engine_bench import run as engine_bench_run
from nightseg_ros.trials.engine_bench import table
from nightseg_ros.trials.engine_bench.bench import Plan

pytest.importorskip("onnx", reason="the networks of these tests need the extra test")
OWN = f"{WIDTH}x{HEIGHT}"


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Multiply small matrices, one way only; no torch unless a test brings it back."""
    monkeypatch.setattr(engine_bench_run, "WAYS", (("numpy", "fp32"),))
    monkeypatch.setattr(engine_bench_run, "TORCH_WAYS", ())
    monkeypatch.setattr(bench_engines, "Plan", functools.partial(Plan, gemm_side=64))
    monkeypatch.setattr(bench_engines, "exporter", lambda: None)
    monkeypatch.setattr(bench_engines, "quantiser", lambda: None)
    return models_folder(tmp_path / "models")


def bench(folder, *words):
    return main(["bench", "engines", "--models-dir", str(folder), "--rounds", "1",
                 "--seconds", "0", *words])  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_model_on_every_engine(short, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["--engines", "onnxruntime-cpu", "fake", "--sizes", f"{OWN},{WIDTH}x64"]
    assert bench(short, *words, "--batch", "1,2", "--out", str(out), "--json") == 0
    reported = json.loads(capsys.readouterr().out)
    written = json.loads((out / "bench_engines.json").read_text())
    assert written["rows"] == reported["rows"]
    rows = {(r["network"], r["engine"], r["batch"]): r for r in reported["rows"]}
    # Day and night are one network with other weights, so they are measured once.
    assert set(rows) == {
        ("tiny_day", "onnxruntime-cpu", 1), ("tiny_day", "fake", 1),
        ("tiny_translator", "onnxruntime-cpu", 1), ("tiny_translator", "fake", 1),
        ("tiny_day", "onnxruntime-cpu", 2), ("tiny_translator", "onnxruntime-cpu", 2),
    }  # fmt: skip
    day = rows["tiny_day", "onnxruntime-cpu", 1]
    assert day["models"] == ["tiny_day", "tiny_night"]
    assert day["macs"] == HEIGHT * WIDTH * 19 * 3
    assert rows["tiny_day", "onnxruntime-cpu", 2]["macs"] == 2 * day["macs"]
    assert day["provider"] == "CPUExecutionProvider"
    assert 0 < day["least_ms"] <= day["p50_ms"] <= day["p95_ms"] <= day["p99_ms"]
    assert day["peak_mb"] > 10
    assert day["share"] == pytest.approx(day["gflops"] / reported["ceilings"][0]["gflops"])
    reasons = " ".join(entry["reason"] for entry in reported["left_out"])
    assert "other sizes install torch" in reasons
    assert "'fake' takes one image at a time" in reasons
    assert "tiny_day" in (out / "bench_engines.txt").read_text()
    assert any("translate route" in entry["what"] for entry in reported["ratios"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_named_models_and_the_table(short, capsys):
    words = ["--models", "tiny_night", "--engines", "onnxruntime-cpu", "--sizes", OWN]
    assert bench(short, *words, "--batch", "1") == 0
    reported = capsys.readouterr().out
    assert f"{OWN}, 1 image at once" in reported
    assert "tiny_night: tiny_night" in reported
    assert "tiny_day" not in reported


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_other_sizes_are_exported_anew(short, monkeypatch, capsys, tmp_path):
    torch = pytest.importorskip("torch", reason="export needs the extra train")
    del torch
    monkeypatch.undo()
    monkeypatch.setattr(engine_bench_run, "WAYS", (("numpy", "fp32"),))
    monkeypatch.setattr(engine_bench_run, "TORCH_WAYS", ())
    monkeypatch.setattr(bench_engines, "Plan", functools.partial(Plan, gemm_side=64))
    network = {"name": "erf_pspnet", "width": 0.25, "classes": 19}
    segmenter(tmp_path / "one" / "quarter", training={"network": network})
    words = ["--models", "quarter", "--sizes", "96x64", "--batch", "1", "--json"]
    assert bench(tmp_path / "one", *words, "--engines", "onnxruntime-cpu", "torch") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["engine"] for row in rows] == ["onnxruntime-cpu", "torch"]
    assert {(row["network"], row["weights"], row["width"]) for row in rows} == {
        ("ERF-PSPNet x0.25", "random", 96)
    }


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["--models", "absent"], "no model 'absent'"),
        (["--rounds", "0"], "at least one round"),
        (["--seconds", "-1"], "at least one round"),
        (["--sizes", "480"], "'480' is no size"),
        (["--batch", "0"], "'0' is no batch"),
        (["--batch", "1,many"], "'1,many' is no batch"),
        (["--batch", "65"], "from 1 to 64"),
        (["--engines", "abacus"], "abacus"),
        (["--out", "{file}/out"], "cannot write into"),
    ],
)
def test_bad_arguments_give_one_clear_error(short, tmp_path, capsys, words, reported):
    (tmp_path / "file").touch()
    words = [word.format(file=tmp_path / "file") for word in words]
    try:
        code = bench(short, "--engines", "fake", *words)
    except SystemExit as leave:
        code = leave.code
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (2, 1)
    assert reported in said


def test_nothing_to_measure_is_an_error_with_the_reason(short, capsys):
    assert bench(short, "--engines", "fake", "--sizes", "640x360", "--batch", "1") == 2
    said = capsys.readouterr().err
    assert "nothing could be measured" in said
    assert "install torch" in said


def test_an_empty_models_folder_is_an_error(short, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert bench(tmp_path / "empty", "--engines", "fake") == 2
    assert "nothing could be measured (no networks)" in capsys.readouterr().err


def graph(folder, name, shape, *, channels_first):
    """Write a graph that doubles its input, and return its file."""
    from onnx import TensorProto, helper, numpy_helper

    kind = TensorProto.FLOAT if channels_first else TensorProto.UINT8
    two = numpy_helper.from_array(np.array(2, np.float32 if channels_first else np.uint8), "two")
    made = helper.make_graph(
        [helper.make_node("Mul", ["pixels", "two"], ["doubled"])],
        name,
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [helper.make_tensor_value_info("doubled", kind, shape)],
        [two],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = folder / f"{name}.onnx"
    file.write_bytes(model.SerializeToString())
    return file


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_other_graphs_run_beside_ours(short, tmp_path, capsys):
    anywhere = graph(tmp_path, "anywhere", ["n", 3, "h", "w"], channels_first=True)
    fixed = graph(tmp_path, "fixed", [1, 32, 48, 3], channels_first=False)
    words = ["--onnx", str(anywhere), str(fixed), "--models", "tiny_day", "--sizes", OWN]
    words += ["--engines", "onnxruntime-cpu", "fake", "--batch", "1,2"]
    assert bench(short, *words, "--json") == 0
    reported = json.loads(capsys.readouterr().out)
    rows = {(r["network"], r["width"], r["batch"]): r for r in reported["rows"]
            if r["engine"] == "onnxruntime-cpu"}  # fmt: skip
    # The fixed one at its only size, where ours would have to be exported anew by torch.
    assert set(rows) == {
        ("tiny_day", WIDTH, 1), ("tiny_day", WIDTH, 2),
        ("anywhere", WIDTH, 1), ("anywhere", WIDTH, 2), ("anywhere", 48, 1), ("fixed", 48, 1),
    }  # fmt: skip
    assert {r["weights"] for r in reported["rows"] if r["network"] != "tiny_day"} == {"its own"}
    assert rows["anywhere", WIDTH, 2]["models"] == [str(anywhere)]
    assert rows["anywhere", WIDTH, 2]["fed"] == f"pixels, random float32 2x3x{HEIGHT}x{WIDTH}"
    assert "fixed is fed pixels, random uint8 1x32x48x3\n" in table.render(reported)
    reasons = {(e["network"], e["reason"]) for e in reported["left_out"]}
    assert ("fixed", "it is exported for 1x32x48x3") in reasons
    assert ("anywhere", "it runs model folders only, not bare graphs") in reasons


@pytest.mark.parametrize("words", [["{none}"], ["{text}"]])
def test_graphs_that_cannot_be_read_are_one_error(short, tmp_path, capsys, words):
    (tmp_path / "text.onnx").write_text("no graph")
    names = {"none": tmp_path / "none.onnx", "text": tmp_path / "text.onnx"}
    assert bench(short, "--onnx", *(word.format(**names) for word in words)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert ".onnx" in said
