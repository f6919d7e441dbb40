# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every shipped study takes one step; a stopped one goes on; several jobs do nothing twice."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402
from support.pictures import make_pictures  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.create_generator import create_generator  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    read_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.study.description import load_study, studies_dir  # noqa: E402
from nightseg_ros.learning.study.run import run_study  # noqa: E402
from nightseg_ros.learning.translate import save_generator  # noqa: E402

SHIPPED = sorted(studies_dir().glob("*.yaml"))
SIZES = {"view": [64, 96], "cache": [64, 96], "test_size": [64, 96], "size": [64, 96]}
SMALLER = {
    "batch": 2,
    "width": 0.1,
    "judge_filters": 4,
    "exposure_patch": 8,
    "shrink": 4,
    "steps": 2,
    "val_every": 2,
    "save_every": 2,
    "precision": "32-true",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def work(tmp_path, data, monkeypatch) -> Path:
    """A working folder with what the studies expect of the steps before them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(SHIPPED[0].parents[1])
    runs = tmp_path / "runs"
    translated = runs / "bdd_as_night"
    translated.mkdir(parents=True)
    for image in (data / "bdd_labelled" / "train" / "images").glob("*.jpg"):
        dark = cv2.resize(cv2.imread(str(image)) // 4, (80, 48))  # translators may make them small
        cv2.imwrite(str(translated / f"{image.stem}.png"), dark)
    (runs / "as_night").symlink_to(translated)
    for pool in ("day", "night"):
        labels = runs / f"held_{pool}" / "labels"
        labels.mkdir(parents=True)
        (labels.parent / "images").symlink_to(data / f"pool_{pool}")
        for image in (data / f"pool_{pool}").glob("*.jpg"):
            cv2.imwrite(str(labels / f"{image.stem}.png"), np.zeros((96, 160), np.uint8))
    network = NetworkConfig(width=0.25)
    torch.manual_seed(0)
    models = [f"erf_pspnet_{name}" for name in ("day", "night", "fast_day")]
    models += [f"see_clearer/converted_{count}_seed_0" for count in (0, 2, 7)]
    models += [f"min_max/{name}_seed_0" for name in ("day_longer", "gamma", "full")]
    for name in models:
        (runs / name).mkdir(parents=True)
        save_checkpoint(runs / name / "model.pt", create_network(network), network, {})
    config = TranslateConfig("small", ("d",), ("n",), generator="light", filters=4, blocks=1)
    generator = create_generator(config.generator, config.filters, config.blocks)
    (runs / "cyclegan_light").mkdir()
    save_generator(runs / "cyclegan_light" / "night2day.pt", generator, config)
    return tmp_path


IN_THEIR_PLACE = {
    "/more:cityscapes_256/": ":bdd_labelled/",
    " + nightseg:{data}/more:acdc_figures/val_night": "",
    "folder:runs/see_clearer/cityscapes_2_seed_{seed}": "nightseg:{data}:bdd_labelled/train",
    "folder:runs/see_clearer/bdd_2_seed_{seed}": "nightseg:{data}:bdd_labelled/train",
    "models/erf_pspnet_fast_day": "runs/erf_pspnet_fast_day/model.pt",
}
"""What the data of a test do not have."""


def smaller(path: Path, folder: Path) -> Path:
    """Write a study, and the recipes it names, small enough for a test."""
    text = path.read_text()
    for shipped, small in IN_THEIR_PLACE.items():
        text = text.replace(shipped, small)
    study = yaml.safe_load(text)
    study |= {"size": [64, 96], "rounds": 10}
    given = study.get("given", {})
    given |= {key: 2 for key in ("held_out", "few", "many", "steps") if key in given}
    if "codan" in given:
        shares = {"train": 1.0, "val": 1.0, "test_day": 1.0, "test_night": 0.2}
        given["codan"] = str(make_pictures(folder / "codan", shares))
    for name, step in study["steps"].items():
        if "recipe" in step:
            recipe = yaml.safe_load(Path(step["recipe"]).read_text())
            known = vars(load_config(Path(step["recipe"])))
            classifier = recipe["recipe"] == "min_max_classifier"
            sizes = {"view": 48, "cache": 48} if classifier else SIZES
            recipe |= {key: value for key, value in (sizes | SMALLER).items() if key in known}
            if recipe["recipe"] == "min_max":  # a row takes it as a plain segmentation recipe
                del recipe["shrink"]
            if "network" in recipe:
                pretrained = recipe["network"]["name"] == "erf_pspnet"
                recipe["network"]["width"] = 0.25 if pretrained else 0.125
                recipe["network"] |= {"classes": 3} if classifier else {}
            (folder / f"small_{name}.yaml").write_text(yaml.safe_dump(recipe))
            step["recipe"] = str(folder / f"small_{name}.yaml")
        step["set"] = {k: v for k, v in step.get("set", {}).items() if k not in (*SIZES, "shrink")}
        if not step["set"]:
            del step["set"]
    small = folder / path.name
    small.write_text(yaml.safe_dump(study, sort_keys=False))
    return small


def lines_in(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_study_takes_one_step(path, work, data):
    study = load_study(str(smaller(path, work)))
    result = run_study(study, work / "out", str(data), fast_dev_run=True)
    assert [one.name for one in (work / "out").iterdir()] == ["fast_dev_run"]
    lines = lines_in(Path(result["results"]))
    wanted = {row for row in study.rows if study.possible(study.way(row))}
    assert {line["row"] for line in lines} == wanted
    for row in wanted:
        assert {x["set"] for x in lines if x["row"] == row and x["seed"] == "all"} == set(
            study.sets
        )


@pytest.mark.slow
def test_rows_of_min_max_are_trained_as_they_are_described(work, data):
    study = load_study(str(smaller(studies_dir() / "min_max.yaml", work)))
    rows = ("full", "ciconv_full", "without_adaptation", "without_darkening", "learned_gamma")
    run_study(study, work / "out", str(data), rows=rows, fast_dev_run=True)
    out = work / "out" / "fast_dev_run"
    about = {
        row: read_checkpoint(out / f"{row}_seed_0" / "model.pt")["about"]["config"] for row in rows
    }
    assert about["ciconv_full"]["network"]["ciconv"]
    assert about["ciconv_full"]["darken"] == about["full"]["darken"]
    assert about["without_adaptation"]["darken"] == about["full"]["darken"]
    assert about["without_adaptation"]["similarity"] == 0
    assert about["full"]["similarity"] == about["learned_gamma"]["similarity"] == 0.1
    alone = read_checkpoint(Path(about["without_darkening"]["darken"].partition(":")[2]))
    assert alone["about"]["config"]["similarity"] == 0
    gamma = read_checkpoint(out / "darkening_gamma" / "darkening.pt")
    assert gamma["network"]["curve"] == "gamma"
    assert not (out / "gamma_seed_0").exists()  # a row that nobody asked for
    rows_there = {line["row"] for line in lines_in(out / "min_max.csv")}
    assert rows_there == {"day", *rows}


TINY = """
name: tiny
title: tiny
seeds: [0, 1]
base: day
size: [64, 96]
rounds: 10
given: {frames: "nightseg:{data}:bdd_labelled/train", held: 2}
sets: {night: {data: "nightseg:{data}:bdd_labelled/val@night"}}
steps:
  night:
    {do: frames, images: "{frames}", translated: runs/bdd_as_night, share: 1/2, stop: "-{held}"}
  day: {recipe: RECIPE, set: {train: [{data: "{frames}"}]}}
  both: {like: day, set: {init: "{day}/model.pt", train: [{data: "folder:{night}"}]}}
measure:
  mean: {channels: ["{day}/model.pt", "{both}/model.pt"]}
tables:
  - {ours: {night: [gain]}, rows: [{what: day, ours: day}, {what: both, ours: both}]}
"""


@pytest.fixture
def tiny(work) -> Path:
    recipe = yaml.safe_load(Path("config/recipes/see_clearer_single.yaml").read_text())
    recipe |= {
        key: value
        for key, value in (SIZES | SMALLER).items()
        if key in recipe or key == "precision"
    }
    recipe.pop("size", None)
    recipe["network"]["width"] = 0.25
    (work / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (work / "tiny.yaml").write_text(TINY.replace("RECIPE", str(work / "recipe.yaml")))
    return work / "tiny.yaml"


def never(*_: object, **__: object) -> None:
    raise AssertionError("done again")


@pytest.mark.slow
def test_what_is_done_is_not_done_again_and_changes_are_refused(work, data, tiny, monkeypatch):
    out = work / "out"
    first = run_study(load_study(str(tiny)), out, str(data))
    made = {
        path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".pt", ".npz")
    }
    assert len(made) == 4 + 6
    frames = sorted((out / "night_seed_1" / "images").iterdir())
    assert len(frames) == 2  # of four, as two are held out
    order = np.random.default_rng(1).permutation(4)
    stems = sorted(p.stem for p in (data / "bdd_labelled" / "train" / "images").iterdir())
    translated = {path.stem for path in frames if "bdd_as_night" in str(path.resolve())}
    assert translated == {stems[index] for index in order[:2]}
    with monkeypatch.context() as patch:
        patch.setattr("lightning.Trainer.fit", never)
        patch.setattr("nightseg_ros.learning.study.run.measure_row", never)
        assert run_study(load_study(str(tiny)), out, str(data)) == first
    other = load_study(str(tiny), ["sets.night.measure=recall"])
    with monkeypatch.context() as patch:  # another set is measured anew, nothing is trained
        patch.setattr("lightning.Trainer.fit", never)
        assert run_study(other, out, str(data))["figures"] != first["figures"]
    for change, message in (
        ("given.held=1", r"night_seed_0 holds .*stop: -2 there, -1 here"),
        ("steps.day.set.lr=0.1", r"day_seed_0 holds .*lr: 0.001 there, 0.1 here"),
    ):
        with pytest.raises(NightsegError, match=message):
            run_study(load_study(str(tiny), [change]), out, str(data))
    with pytest.raises(NightsegError, match="hold out fewer"):
        run_study(load_study(str(tiny), ["given.held=4"]), work / "other", str(data))
    with pytest.raises(NightsegError, match="row 'nigth' is unknown; there are day, mean, both"):
        run_study(load_study(str(tiny)), out, str(data), rows=["nigth"])


@pytest.mark.slow
def test_a_study_that_fails_shows_the_rows_it_has(work, data, tiny):
    study = load_study(str(tiny), ["steps.both.set.init=nowhere.pt", "seeds=[0]"])
    with pytest.raises(NightsegError, match=r"nowhere\.pt"):
        run_study(study, work / "out", str(data))
    assert {line["row"] for line in lines_in(work / "out" / "tiny.csv")} == {"day"}


@pytest.mark.slow
def test_jobs_side_by_side_do_the_same_and_nothing_twice(work, data, tiny, capfd):
    study = load_study(str(tiny))
    several = run_study(study, work / "several", str(data), jobs=2)
    # The bars of the trainings stand between them, not always on lines of their own.
    tasks = re.findall(
        r"study tiny \d+/12: (\w+, seed \d)(?:, measured)?\n", capfd.readouterr().err
    )
    assert len(tasks) == several["tasks"] == 2 * (3 + 3)
    for seed in (0, 1):
        record = json.loads((work / "several" / f"both_seed_{seed}" / "run.json").read_text())
        assert len(record["parts"]) == 1  # begun once
    alone = run_study(study, work / "alone", str(data))
    assert several["figures"].keys() == alone["figures"].keys()
