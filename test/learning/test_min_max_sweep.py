# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The zero-shot sweep: every row, once, from one day model, and the table that reads its file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from made_up_data import make_data  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.evaluation.min_max_paper import ROWS  # noqa: E402
from nightseg_ros.evaluation.min_max_table import min_max, render_min_max  # noqa: E402
from nightseg_ros.evaluation.scores import miou  # noqa: E402
from nightseg_ros.learning.config import NetworkConfig, load_config  # noqa: E402
from nightseg_ros.learning.min_max_sweep import BASE, RESULTS, rows_of  # noqa: E402
from nightseg_ros.learning.min_max_sweep_config import TRAININGS  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    read_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.train import train  # noqa: E402

RECIPES = Path(__file__).parents[2] / "config" / "recipes"


@pytest.fixture
def settings(tmp_path, monkeypatch) -> list[str]:
    """The shipped sweep, small enough for a test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(RECIPES.parent)
    network = NetworkConfig(width=0.25)
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "day.pt", create_network(network), network, {})
    single = yaml.safe_load((RECIPES / "min_max_single.yaml").read_text())
    single |= {key: [64, 96] for key in ("view", "cache", "test_size")}
    single |= {"init": str(tmp_path / "day.pt"), "batch": 2}
    single["network"]["width"] = 0.25
    (tmp_path / "single.yaml").write_text(yaml.safe_dump(single))
    small = 'overrides=["view=[32, 48]", "cache=[48, 80]", "batch=2"]'
    return [f"base={tmp_path / 'single.yaml'}", small, "bootstrap=20", "ciconv_steps=2"]


@pytest.mark.slow
def test_every_row_is_measured_once_and_the_table_shows_it(tmp_path, settings, monkeypatch):
    data = make_data(tmp_path / "data")
    config = load_config(RECIPES / "min_max_sweep.yaml", settings)
    first = train(config, tmp_path / "sweep", str(data), fast_dev_run=True)
    with (tmp_path / "sweep" / RESULTS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [training.name for training in TRAININGS]
    assert list(dict.fromkeys(row["training"] for row in rows)) == names
    for name in names:
        sets = [row["set"] for row in rows if row["training"] == name]
        assert len(sets) == 8  # day, night, dusk and recall: of the seed, and their intervals
        assert {"recall", "recall 95", "bdd_labelled_val@night 95"} <= set(sets)
    trained = {
        one.name: tmp_path / "sweep" / f"{one.name}_seed_0" / "model.pt" for one in TRAININGS
    }
    assert {name for name, path in trained.items() if path.is_file()} == {
        one.name for one in TRAININGS if one.way in ("train", "min_max")
    }
    about = {n: read_checkpoint(p)["about"]["config"] for n, p in trained.items() if p.is_file()}
    assert about["ciconv"]["network"]["ciconv"]
    assert about["ciconv"]["steps"] == about["ciconv_full"]["steps"] == 2
    assert about["ciconv_full"]["network"]["ciconv"]
    assert about["ciconv_full"]["darken"] == about["full"]["darken"]
    assert about["without_adaptation"]["similarity"] == about["without_both"]["similarity"] == 0
    assert about["full"]["similarity"] == about["gamma"]["similarity"] == 0.1
    modules = {n: about[n]["darken"] for n in ("full", "without_adaptation", "without_darkening")}
    assert modules["full"] == modules["without_adaptation"] != modules["without_darkening"]
    alone = read_checkpoint(Path(modules["without_darkening"].partition(":")[2]))
    assert alone["about"]["config"]["similarity"] == 0
    learned = read_checkpoint(tmp_path / "sweep" / "learned_gamma_seed_0" / "darkening.pt")
    assert learned["network"]["curve"] == "gamma"

    def never(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("nightseg_ros.learning.train.run_segmentation", never)
    monkeypatch.setattr("nightseg_ros.learning.recipes.darkening.train_curves", never)
    again = train(config, tmp_path / "sweep", str(data), fast_dev_run=True)
    assert again["figures"] == first["figures"]
    table = min_max(tmp_path / "sweep" / RESULTS)
    shown = [row["ours"] for row in table["min_max"] if row["ours"]]
    assert all(one["night"] is not None for one in shown)
    text = render_min_max(table)
    assert "not measured" not in text
    assert "erf_pspnet x0.25, 96x64" in text


def test_gains_are_over_the_day_model_of_the_same_frames():
    rng = np.random.default_rng(0)
    counts = {
        (name, seed): {"bdd_labelled_val@night": rng.integers(1, 40, (5, 3, 4))}
        for name in (BASE, "full")
        for seed in (0, 1)
    }
    rows = rows_of(counts, "tiny", 50)
    values = {
        (name, seed): 100 * float(miou(one["bdd_labelled_val@night"].sum(axis=0)))
        for (name, seed), one in counts.items()
    }
    by_seed = {(r["training"], r["seed"]): r["value"] for r in rows if r["seed"] != "all"}
    assert by_seed == pytest.approx(values, abs=0.006)
    whole = next(r for r in rows if (r["training"], r["seed"]) == ("full", "all"))
    gain = np.mean([values["full", seed] - values[BASE, seed] for seed in (0, 1)])
    assert whole["gain"] == pytest.approx(gain, abs=0.006)
    assert whole["gain_low"] <= whole["gain"] <= whole["gain_high"]


def test_every_row_of_ours_is_a_training():
    assert {row.ours for row in ROWS if row.ours} == {one.name for one in TRAININGS}


def test_parts_that_do_not_fit_are_refused(tmp_path, settings):
    sweep = RECIPES / "min_max_sweep.yaml"
    with pytest.raises(NightsegError, match="row 'gama' is unknown"):
        load_config(sweep, ["rows=[gama]"])
    wrong = load_config(sweep, [*settings, "darkening=config/recipes/enhancement.yaml"])
    with pytest.raises(NightsegError, match="is a recipe enhancement, need darkening"):
        train(wrong, tmp_path / "out", "")
    chosen = load_config(sweep, ["rows=[full]"]).trainings()
    assert [one.name for one in chosen] == ["day", "full"]
