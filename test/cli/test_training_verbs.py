# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""train, label and translate as a user calls them, on made-up frames."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.made_up_data import make_data

from nightseg_ros.cli.main import main
from nightseg_ros.files.sole_writer import sole_folder_writer

pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")
pytestmark = pytest.mark.slow

RECIPES = Path(__file__).parents[2] / "config" / "recipes"
SMALL = ("network.width=0.25", "view=[64,96]", "cache=[96,160]", "test_size=[64,96]", "batch=2")


def settings(*changes: str) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def test_a_teacher_is_trained_and_labels_a_pool(tmp_path, capsys):
    data = make_data(tmp_path / "data")
    out = tmp_path / "run"
    recipe = str(RECIPES / "see_clearer_single.yaml")
    words = ["train", recipe, "--data", str(data), "--out", str(out), "--json"]
    assert main([*words, *settings(*SMALL, "steps=2", "val_every=2")]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["chosen_step"] == 2
    assert set(result["figures"]) >= {"miou/mean", "miou/bdd_labelled_val@night"}
    assert (out / "curve.png").is_file()

    words = [
        "label",
        "--checkpoint",
        result["checkpoint"],
        "--images",
        "unlabelled:{data}/pool_day",
    ]
    words += ["--data", str(data), "--out", str(tmp_path / "pool"), "--threshold", "0", "--json"]
    assert main([*words, "--count", "2"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "images": 2, "new": 2, "labelled_share": 1.0, "out": str(tmp_path / "pool"),
    }  # fmt: skip
    other = [*words, "--without", str(tmp_path / "pool"), "--out", str(tmp_path / "other")]
    assert main(other) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 1
    labelled = [{p.name for p in (tmp_path / x / "labels").iterdir()} for x in ("pool", "other")]
    assert len(labelled[0] | labelled[1]) == 3
    assert main([*other, "--without", str(tmp_path / "pool"), str(tmp_path / "other")]) == 2
    assert "--without leaves none of the 3 images" in capsys.readouterr().err
    assert main([*other, "--without", str(tmp_path / "data")]) == 2
    assert "holds no labels" in capsys.readouterr().err
    assert main(words) == 0  # the rest of the pool; what is there is kept
    assert json.loads(capsys.readouterr().out)["new"] == 1


def test_translators_are_trained_and_used(tmp_path, capsys):
    data = make_data(tmp_path / "data")
    out = tmp_path / "run"
    small = ("filters=4", "blocks=1", "view=[32,48]", "cache=[48,80]", "steps=2", "save_every=2")
    recipe = str(RECIPES / "cyclegan_light.yaml")
    words = ["train", recipe, "--data", str(data), "--out", str(out)]
    assert main([*words, *settings(*small)]) == 0
    words = ["translate", "--checkpoint", str(out / "day2night.pt"), "--size", "80x48"]
    words += ["--images", f"nightseg:{data}:bdd_labelled/train", "--out", str(tmp_path / "night")]
    assert main(words) == 0
    assert "4 translated images" in capsys.readouterr().out
    assert len(list((tmp_path / "night").glob("*.png"))) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "absent.yaml"], "absent.yaml"),
        (["label", "--checkpoint", "absent.pt", "--images", "x", "--out", "y"], "absent.pt"),
        (["translate", "--checkpoint", "absent.pt", "--images", "x", "--out", "y"], "absent.pt"),
    ],
)
def test_what_is_missing_is_named_in_one_line(words, message, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error


@pytest.mark.parametrize("verb", ["train", "label", "translate"])
def test_a_second_run_into_the_same_folder_is_refused(verb, tmp_path, capsys):
    out = tmp_path / "out"
    words = {
        "train": [str(RECIPES / "see_clearer_single.yaml")],
        "label": ["--checkpoint", "none.pt", "--images", "none"],
        "translate": ["--checkpoint", "none.pt", "--images", "none"],
    }[verb]
    with sole_folder_writer(out):
        assert main([verb, *words, "--out", str(out)]) == 2
        assert f"{out} is being written by process" in capsys.readouterr().err


def test_other_processes_of_one_training_are_no_second_run(tmp_path, monkeypatch):
    from lightning.pytorch.utilities import rank_zero_only

    from nightseg_ros.learning import train as training

    monkeypatch.setattr(training, "train", lambda *_, **__: {"minutes": 0, "checkpoint": "x"})
    words = ["train", str(RECIPES / "see_clearer_single.yaml"), "--out", str(tmp_path / "out")]
    with sole_folder_writer(tmp_path / "out"):
        assert main(words) == 2
        for rank, machine in ((1, 0), (0, 1)):
            monkeypatch.setattr(rank_zero_only, "rank", rank)
            monkeypatch.setenv("NODE_RANK", str(machine))
            with pytest.raises(SystemExit, match="0"):
                main(words)
