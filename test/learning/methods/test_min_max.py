# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The zero-shot recipe: what it learns from, what it refuses, and that the night gains by it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.methods.min_max.config import MinMaxConfig  # noqa: E402
from nightseg_ros.learning.methods.min_max.module import MinMaxModule, check_zero_shot  # noqa: E402
from nightseg_ros.learning.networks.registry import load_checkpoint  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402

RECIPES = Path(__file__).parents[3] / "config" / "recipes"
TINY = [
    *("view=[64, 96]", "cache=[96, 160]", "test_size=[64, 96]", "network.width=0.25", "batch=4"),
    *("precision=32-true", "darken=gamma", "init=", "lr=3e-3", "exposure=[0.03, 0.2]"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def config(*changes: str) -> MinMaxConfig:
    loaded: MinMaxConfig = load_config(RECIPES / "min_max.yaml", [*TINY, *changes])
    return loaded


def some_frames() -> TensorSet:
    images = torch.randint(0, 256, (4, 96, 160, 3), dtype=torch.uint8)
    labels = torch.randint(0, 19, (4, 96, 160), dtype=torch.uint8)
    return TensorSet(images, labels, torch.ones(4).double(), torch.zeros(4, dtype=torch.bool))


def make_recipe(*changes: str) -> MinMaxModule:
    torch.manual_seed(0)
    asked = config(*changes)
    made = MinMaxModule(asked, some_frames(), {})
    assert isinstance(made, MinMaxModule)
    return made


def logged(recipe: MinMaxModule, monkeypatch) -> dict[str, float]:
    """Take one step without a trainer and return its losses."""
    found: dict[str, float] = {}
    monkeypatch.setattr(recipe, "log", lambda *_, **__: None)
    monkeypatch.setattr(recipe, "log_dict", lambda values, **_: found.update(values))
    loss = recipe.training_step(torch.arange(4), 0)
    loss.backward()
    found["sum"] = loss
    return {name: value.item() for name, value in found.items()}


def test_the_loss_is_of_labels_by_day_and_night_and_of_likeness(monkeypatch):
    recipe = make_recipe()
    losses = logged(recipe, monkeypatch)
    parts = ("loss/day", "loss/dark", "loss/similarity")
    assert set(losses) == {*parts, "sum"}
    assert sum(losses[part] for part in parts) == pytest.approx(losses["sum"], rel=1e-5)
    assert 0 < losses["loss/similarity"] < 0.1 * 8
    trained = {id(p) for p in recipe.trained_parameters()}
    assert trained == {
        id(p) for p in (*recipe.network.parameters(), *recipe.similarity.heads.parameters())
    }
    assert all(p.grad is not None for p in recipe.trained_parameters())
    recipe.min_max = None  # the similarity has its own weight of it
    alone = make_recipe("similarity=0")
    assert alone.similarity is None
    assert set(logged(alone, monkeypatch)) == {"loss/day", "loss/dark", "sum"}


def test_darkened_copies_are_as_dark_as_asked():
    recipe = make_recipe("exposure=[0.1, 0.15]", "noise=0.0")
    day = torch.rand(6, 3, 64, 96) * 0.6 + 0.4
    dark = recipe.darken(day)
    levels = dark.mean((1, 2, 3))
    assert (levels > 0.09).all()
    assert (levels < 0.16).all()
    assert float(levels.std()) > 0.002


@pytest.mark.slow
def test_a_day_network_gains_by_night_without_having_seen_it(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    day_only = ["recipe=segmentation", "steps=50", "val_every=50"]
    plain = ("darken", "exposure", "noise", "similarity", "momentum")
    text = (RECIPES / "min_max.yaml").read_text().splitlines()
    kept = [line for line in text if line.partition(":")[0] not in plain]
    (tmp_path / "day.yaml").write_text("\n".join(kept))
    settings = [one for one in TINY if one.partition("=")[0] not in plain]
    by_day = train(load_config(tmp_path / "day.yaml", [*settings, *day_only]), tmp_path, str(data))
    init = str(by_day["checkpoint"])
    asked = config(f"init={init}", "steps=40", "val_every=8", "lr=2e-3")
    adapted = train(asked, tmp_path / "adapted", str(data))
    night = "miou/bdd_labelled_val@night"
    assert adapted["figures"][night] > by_day["figures"][night] + 5
    network, _, about = load_checkpoint(Path(adapted["checkpoint"]))
    assert about["config"]["recipe"] == "min_max"
    assert not any(name.startswith(("heads", "slow")) for name in network.state_dict())
    with (tmp_path / "adapted" / "csv" / "metrics.csv").open() as file:
        alike = [float(r["loss/similarity"]) for r in csv.DictReader(file) if r["loss/similarity"]]
    assert alike[-1] < alike[0]
    # It goes on where it stopped, slow copy and heads included.
    longer = config(f"init={init}", "steps=48", "val_every=8", "lr=2e-3")
    assert train(longer, tmp_path / "adapted", str(data))["chosen_step"] == 48


def test_night_frames_are_refused_where_they_would_count(data):
    root = str(data)
    check_zero_shot(config(), root)  # its night sets are only measured
    sources = 'train=[{data: "nightseg:{data}:bdd_labelled/val"}]'
    with pytest.raises(NightsegError, match="sees day only; choose its day frames with @day"):
        check_zero_shot(config(sources), root)
    with pytest.raises(NightsegError, match="does not say its time of day"):
        check_zero_shot(config(f'train=[{{data: "unlabelled:{data}/pool_night"}}]'), root)
    for monitor in ("miou/bdd_labelled_val@night", "miou/mean"):
        with pytest.raises(NightsegError, match="sees day only; choose its day frames with @day"):
            check_zero_shot(config(f"monitor={monitor}"), root)
    check_zero_shot(config("monitor=miou/bdd_labelled_val@day"), root)


def test_a_module_of_unknown_origin_is_refused(tmp_path, data):
    path = tmp_path / "module.pt"
    for about in ({}, {"day_only": False}):
        torch.save({"network": {}, "state": {}, "about": about}, path)
        with pytest.raises(NightsegError, match="does not say that it was trained on day frames"):
            check_zero_shot(config(f"darken=module:{path}"), str(data))
    torch.save({"network": {}, "state": {}, "about": {"day_only": True}}, path)
    check_zero_shot(config(f"darken=module:{path}"), str(data))


def test_the_check_is_part_of_the_training(tmp_path, data):
    with pytest.raises(NightsegError, match="sees day only; choose its day frames with @day"):
        train(config("monitor=miou/mean"), tmp_path, str(data), fast_dev_run=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("exposure=[0.3, 0.1]", "exposure is"),
        ("similarity=-1", "similarity is -1"),
        ("momentum=1.0", "momentum is 1.0"),
        ("shrink=0", "shrink is 0"),
        ("compile=true", "compile hides"),
    ],
)
def test_wrong_keys_are_named(change, message):
    with pytest.raises(NightsegError, match=message):
        config(change)


@pytest.mark.parametrize(
    "name", ["panoptic_fpn18", "deeplab_v3plus18", "deeplab_v3plus_mobilenet", "efficientnet_fpn0"]
)
def test_other_networks_have_stages_too(name, monkeypatch):
    efficient = name.startswith("efficientnet")
    change = "network.pretrained=false" if efficient else "network.width=0.125"
    recipe = make_recipe(f"network.name={name}", *(["network.width=1"] * efficient), change)
    assert len(recipe.similarity.heads.project) == 4
    assert logged(recipe, monkeypatch)["loss/similarity"] > 0
