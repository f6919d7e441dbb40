# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A folder is resumed by the recipe, on the data, that it was begun with, and by no other."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning import run_record  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.methods.segmentation.config import TrainConfig  # noqa: E402
from nightseg_ros.learning.run_record import (  # noqa: E402
    LAST,
    RECORD,
    RESULT,
    kept_result,
    open_run,
    open_study,
)
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402

RECIPES = Path(__file__).parents[2] / "config" / "recipes"
TRAIN, VAL = "nightseg:{data}:bdd_labelled/train", "nightseg:{data}:bdd_labelled/val@day"


@pytest.fixture
def data(tmp_path) -> Path:
    return make_data(tmp_path / "data")


@pytest.fixture
def recipe() -> TrainConfig:
    return TrainConfig("small", (SourceConfig(TRAIN),), (VAL,), steps=100)


def stop(out: Path, recipe: object, data: Path, step: int = 40) -> None:
    """Leave what a training that was stopped leaves."""
    out.mkdir(parents=True, exist_ok=True)
    open_run(out, recipe, str(data))
    torch.save({"global_step": step}, out / LAST)


def finish(out: Path, recipe: TrainConfig, data: Path) -> dict[str, object]:
    """Leave what a training leaves that came to its end."""
    stop(out, recipe, data, recipe.steps)
    (out / "model.pt").write_bytes(b"")
    return open_run(out, recipe, str(data)).finish({"checkpoint": "model.pt", "figures": {}})


def test_the_same_recipe_goes_on_and_records_its_parts(tmp_path, data, recipe):
    out = tmp_path / "out"
    stop(out, recipe, data)
    run = open_run(out, recipe, str(data))
    assert run.checkpoint == str(out / LAST)
    assert [part["from_step"] for part in run.parts] == [0, 40]
    assert run.parts[0]["code"]["version"]
    assert run.parts[0]["code"]["learning_sources"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"lr": 1.0}, "lr: 0.0006 there, 1.0 here"),
        ({"steps": 99}, "steps: 100 there, 99 here"),
        ({"init": "day.pt", "seed": 3}, 'init: "" there, "day.pt" here; seed: 0 there, 3 here'),
        ({"val": ()}, "val: "),
        ({"train": (SourceConfig(TRAIN), SourceConfig(TRAIN))}, "train.1.data: nothing there"),
        ({"train": (SourceConfig(TRAIN, relight=True),)}, "train.0.relight: false there, true"),
    ],
)
def test_another_recipe_is_refused_with_its_keys_and_the_remedy(
    tmp_path, data, recipe, change, named
):
    out = tmp_path / "out"
    stop(out, recipe, data)
    before = (out / RECORD).read_text()
    with pytest.raises(NightsegError) as refused:
        open_run(out, replace(recipe, **change), str(data))
    assert named in str(refused.value)
    assert "--no-resume" in str(refused.value)
    assert "--out" in str(refused.value)
    assert (out / RECORD).read_text() == before


def test_steps_may_grow(tmp_path, data, recipe):
    out = tmp_path / "out"
    finish(out, recipe, data)
    run = open_run(out, replace(recipe, steps=200), str(data))
    assert run.result is None
    assert run.checkpoint is not None
    assert [part["steps"] for part in run.parts] == [100, 100, 200]
    assert not (out / RESULT).exists()


def test_steps_cannot_grow_where_the_checkpoint_is_gone(tmp_path, data, recipe):
    finish(tmp_path, recipe, data)
    (tmp_path / LAST).unlink()
    with pytest.raises(NightsegError, match=r"steps cannot grow to 200.*--no-resume"):
        open_run(tmp_path, replace(recipe, steps=200), str(data))


def test_a_finished_training_returns_what_it_returned(tmp_path, data, recipe):
    result = finish(tmp_path, recipe, data)
    before = (tmp_path / RECORD).read_bytes()
    assert open_run(tmp_path, recipe, str(data)).result == result
    assert (tmp_path / RECORD).read_bytes() == before
    with pytest.raises(NightsegError, match=r"lr: 0.0006 there"):
        kept_result(tmp_path, replace(recipe, lr=1.0), str(data))
    (tmp_path / "model.pt").unlink()
    assert open_run(tmp_path, recipe, str(data)).result is None


def test_other_data_are_refused_but_not_the_same_data_elsewhere(tmp_path, data, recipe):
    out = tmp_path / "out"
    stop(out, recipe, data)
    moved = data.rename(tmp_path / "moved")
    assert open_run(out, recipe, str(moved)).checkpoint is not None
    label = next((moved / "bdd_labelled" / "train" / "labels").glob("*.png"))
    label.write_bytes(label.read_bytes() + b"x")
    with pytest.raises(NightsegError, match=r"train.0.data: other files than now behind"):
        open_run(out, recipe, str(moved))


def test_another_teacher_under_the_same_name_is_refused(tmp_path, data, recipe):
    teacher = tmp_path / "teacher.pt"
    teacher.write_bytes(b"one")
    taught = replace(recipe, teacher=str(teacher))
    stop(tmp_path / "out", taught, data)
    teacher.write_bytes(b"two")
    with pytest.raises(NightsegError, match="teacher: other files"):
        open_run(tmp_path / "out", taught, str(data))


def test_other_code_is_recorded_and_warned_of(tmp_path, data, recipe, monkeypatch, capsys):
    stop(tmp_path / "out", recipe, data)
    other = {"version": "9.9", "learning_sources": "0", "torch": "3"}
    monkeypatch.setattr(run_record, "code_version", lambda: other)
    run = open_run(tmp_path / "out", recipe, str(data))
    assert run.parts[-1]["code"] == other
    assert "other code" in capsys.readouterr().err


def test_a_key_that_is_younger_than_the_record_has_its_default(tmp_path, data, recipe):
    @dataclass(frozen=True)
    class Younger(TrainConfig):
        sharpen: float = 0.0

    younger = Younger("small", recipe.train, recipe.val, steps=100)
    out = tmp_path / "out"
    stop(out, recipe, data)
    with pytest.raises(NightsegError, match=r"sharpen: 0.0 there, 0.5 here"):
        open_run(out, replace(younger, sharpen=0.5), str(data))
    assert open_run(out, younger, str(data)).checkpoint is not None


def test_what_a_training_chose_by_itself_stays_as_it_was(tmp_path, data, recipe):
    run = open_run(tmp_path, recipe, str(data))
    assert run.choose("precision", lambda: "bf16-mixed") == "bf16-mixed"
    torch.save({"global_step": 40}, tmp_path / LAST)
    resumed = open_run(tmp_path, recipe, str(data))
    assert resumed.choose("precision", lambda: "32-true") == "bf16-mixed"
    assert resumed.finish({"checkpoint": "model.pt"})["chosen"] == {"precision": "bf16-mixed"}
    anew = open_run(tmp_path, recipe, str(data), resume=False)
    assert anew.choose("precision", lambda: "32-true") == "32-true"


def test_other_processes_of_a_training_go_by_its_record(tmp_path, data, recipe, monkeypatch):
    first = open_run(tmp_path, recipe, str(data))
    first.choose("precision", lambda: "bf16-mixed")
    before = (tmp_path / RECORD).read_bytes()
    monkeypatch.setattr(run_record, "is_main", lambda: False)
    second = open_run(tmp_path, recipe, str(data), resume=False)
    assert second.parts == first.parts
    assert second.choose("precision", lambda: "32-true") == "bf16-mixed"
    assert (tmp_path / RECORD).read_bytes() == before


def test_what_came_to_nothing_may_be_begun_anew(tmp_path, data, recipe):
    open_run(tmp_path, recipe, str(data))
    run = open_run(tmp_path, replace(recipe, lr=1.0), str(data))
    assert run.checkpoint is None
    assert [part["from_step"] for part in run.parts] == [0]


def test_no_resume_begins_anew(tmp_path, data, recipe):
    finish(tmp_path, recipe, data)
    (tmp_path / "last-v1.ckpt").write_bytes(b"")
    (tmp_path / "best.ckpt").write_bytes(b"")
    run = open_run(tmp_path, replace(recipe, lr=1.0), str(data), resume=False)
    assert (run.checkpoint, run.result) == (None, None)
    assert not list(tmp_path.glob("*.ckpt"))
    assert json.loads((tmp_path / RECORD).read_text())["recipe"]["lr"] == 1.0


def test_a_damaged_checkpoint_gets_one_clear_error(tmp_path, data, recipe):
    stop(tmp_path, recipe, data)
    last = tmp_path / LAST
    last.write_bytes(last.read_bytes()[:-200])
    with pytest.raises(NightsegError, match=r"last.ckpt is damaged .*--no-resume"):
        open_run(tmp_path, recipe, str(data))
    for name in (RECORD, RESULT):
        out = tmp_path / f"damaged_{name}"
        stop(out, recipe, data)
        (out / name).write_text("{")
        with pytest.raises(NightsegError, match=r"is damaged .*--no-resume"):
            open_run(out, recipe, str(data))


def test_a_checkpoint_without_a_record_is_refused(tmp_path, data, recipe):
    torch.save({"global_step": 4}, tmp_path / LAST)
    with pytest.raises(NightsegError, match=r"without run.json.*--no-resume"):
        open_run(tmp_path, recipe, str(data))


def test_rounds_may_change_but_not_what_they_train(tmp_path, data, recipe):
    study = load_config(RECIPES / "self_training.yaml")
    out = tmp_path / "out"

    def reopen(study: object, base: TrainConfig, resume: bool = True) -> None:
        open_study(out, {"": study, "base": base}, str(data), resume=resume, may_change=("rounds",))

    reopen(study, recipe)
    reopen(replace(study, rounds=study.rounds + 1), recipe)
    with pytest.raises(NightsegError, match=r"base.lr: 0.0006 there, 1.0 here"):
        reopen(study, replace(recipe, lr=1.0))
    reopen(study, replace(recipe, lr=1.0), resume=False)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("see_clearer_single", []),
        ("cyclegan_light", []),
        ("unit_light", []),
        ("darkening", []),
        ("enhancement", []),
        ("min_max_classifier", []),
        ("min_max_single", ["darken=gamma"]),
        ("adaptsegnet", []),
        ("nisenet_fusion", []),
        ("fused", []),
        ("night2day_task", []),
    ],
)
def test_every_training_refuses_the_folder_of_another(tmp_path, data, name, settings, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = RECIPES / f"{name}.yaml"
    stop(tmp_path / "out", load_config(path, settings), data)
    changed = load_config(path, [*settings, "seed=77"])
    with pytest.raises(NightsegError, match=r"seed: [0-9]+ there, 77 here"):
        train(changed, tmp_path / "out", str(data))
