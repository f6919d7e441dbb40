# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every shipped recipe takes one step, and a small training learns, stops and goes on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402
from support.pictures import make_pictures  # noqa: E402

from nightseg_ros.datasets.catalog import open_set  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.methods.adversarial.config import AdversarialConfig  # noqa: E402
from nightseg_ros.learning.methods.cyclegan.config import UnpairedConfig  # noqa: E402
from nightseg_ros.learning.methods.darkening.config import CurveConfig, DarkeningConfig  # noqa: E402
from nightseg_ros.learning.methods.fused.config import FusedConfig  # noqa: E402
from nightseg_ros.learning.methods.min_max.config import MinMaxConfig  # noqa: E402
from nightseg_ros.learning.methods.min_max_classifier.config import MinMaxClassifierConfig  # noqa: E402
from nightseg_ros.learning.methods.nisenet_fusion.config import FusionConfig  # noqa: E402
from nightseg_ros.learning.methods.segmentation.config import TrainConfig  # noqa: E402
from nightseg_ros.learning.methods.self_training.config import SelfTrainingConfig  # noqa: E402
from nightseg_ros.learning.methods.task_translator.config import TaskTranslatorConfig  # noqa: E402
from nightseg_ros.learning.methods.unit.config import UnitConfig  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.pseudo_labels import label_images  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402
from nightseg_ros.learning.translate import (  # noqa: E402
    load_generator,
    translate_images,
)

RECIPES = sorted((Path(__file__).parents[2] / "config" / "recipes").glob("*.yaml"))
pytestmark = pytest.mark.slow

FUSED_SETS = [
    {"data": "nightseg:{data}:bdd_labelled/train", "relight": True},
    {"data": "nightseg:{data}:bdd_labelled/train", "translated": "runs/bdd_as_night", "replace": 2},
]
SMALL = ["view=[64, 96]", "cache=[96, 160]", "test_size=[64, 96]", "batch=2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def runs(tmp_path, data, monkeypatch) -> Path:
    """A working folder with what the recipes expect of the steps before them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").symlink_to(RECIPES[0].parents[1])
    for pool in ("pool_day", "pool_night", "pool_night2", "held_day", "held_night"):
        folder = tmp_path / "runs" / pool
        (folder / "labels").mkdir(parents=True)
        # Labelled a second time, or other images of the same pool.
        images = data / pool.rstrip("2").replace("held", "pool")
        (folder / "images").symlink_to(images)
        for image in images.glob("*.jpg"):
            cv2.imwrite(str(folder / "labels" / f"{image.stem}.png"), np.zeros((96, 160), np.uint8))
    translated = tmp_path / "runs" / "bdd_as_night"
    translated.mkdir()
    for image in (data / "bdd_labelled" / "train" / "images").glob("*.jpg"):
        cv2.imwrite(str(translated / f"{image.stem}.png"), cv2.imread(str(image)) // 4)
    return tmp_path / "runs"


def small_teacher(path: Path, classes: int = 19) -> Path:
    config = NetworkConfig(width=0.25, classes=classes)
    save_checkpoint(path, create_network(config), config, {})
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_takes_one_step(path, runs, data):
    settings = []
    config = load_config(path)
    if isinstance(config, TrainConfig):
        settings = list(SMALL)
        if config.network.name.startswith("efficientnet"):
            settings.append("network.pretrained=false")
        if config.network.name.startswith("panoptic_fpn"):
            settings.append("network.width=0.125")
        if config.keep:
            network = create_network(config.network)
            save_checkpoint(runs / "start.pt", network, config.network, {})
            settings.append(f"init={runs / 'start.pt'}")
        elif config.init:
            settings.append("init=")
        if config.teacher:
            settings.append(f"teacher={small_teacher(runs / 'small_teacher.pt')}")
        if isinstance(config, TaskTranslatorConfig):
            day = small_teacher(runs / "small_day.pt")
            settings += [f"day_model={day}", "generated=0", "filters=4", "blocks=1"]
        if config.network.name.startswith("deeplab"):
            settings.append("network.width=0.125")
        if isinstance(config, AdversarialConfig):
            translated = [source for source in FUSED_SETS if "translated" in source]
            settings += [f"train={json.dumps(translated)}", "judge_filters=4"]
        if isinstance(config, MinMaxConfig):
            settings.append("darken=gamma")
        if isinstance(config, FusedConfig):
            first, second = (small_teacher(runs / f"{name}.pt") for name in ("first", "second"))
            settings += [f"channels=[{first}, {second}]"]
    elif isinstance(config, MinMaxClassifierConfig):
        folder = make_pictures(runs / "codan", {"train": 1.0, "val": 1.0, "test_night": 0.2})
        settings = [f"folder={folder}", "test=[test_night]", "view=48", "cache=48"]
        settings += ["network.width=0.125", "network.classes=3", "init="]
        settings += ["darken=gamma"] if config.darken else []
    elif isinstance(config, CurveConfig):
        settings = ["view=[64, 96]", "cache=[96, 160]", "exposure_patch=8", "batch=2"]
        if isinstance(config, DarkeningConfig):
            settings.append(f"day_model={small_teacher(runs / 'small_day.pt')}")
    elif isinstance(config, FusionConfig):
        first, second = (small_teacher(runs / f"{name}.pt") for name in ("first", "second"))
        held_out = [{**FUSED_SETS[1], "skip": 2}]
        settings = [f"real={first}", f"adaptive={second}", f"train={json.dumps(held_out)}"]
        settings += ["size=[64, 96]", "width=0.1"]
    elif isinstance(config, SelfTrainingConfig):
        small = small_teacher(runs / "small_teacher.pt")
        changes = [*SMALL, "network.width=0.25", f"init={small}"]
        settings = [f"teachers=[{{checkpoint: {small}}}]", f"overrides={json.dumps(changes)}"]
    elif isinstance(config, UnpairedConfig):
        settings = ["filters=4", "blocks=1", "view=[64, 96]", "cache=[96, 160]"]
        if isinstance(config, UnitConfig):
            settings += [f"perceptual_network={small_teacher(runs / 'small_day.pt')}"]
    config = load_config(path, settings)
    result = train(config, runs / config.name, str(data), fast_dev_run=True)
    assert Path(result["checkpoint"]).is_file()
    assert result["fast_dev_run"] is True
    left = runs / config.name
    assert json.loads((left / "fast_dev_run" / "result.json").read_text()) == result
    assert [path.name for path in left.iterdir()] == ["fast_dev_run"]  # no real run looks there


@pytest.fixture
def tiny(tmp_path) -> list[str]:
    return [
        *SMALL,
        "network.width=0.25",
        "steps=30",
        "val_every=15",
        "batch=4",
        "precision=32-true",
        "lr=3e-3",
    ]


def test_training_learns_and_goes_on_where_it_stopped(tmp_path, data, tiny, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = next(path for path in RECIPES if path.stem == "see_clearer_single")
    config = load_config(recipe, [*tiny, "steps=60", "val_every=15", "monitor=miou/mean"])
    result = train(config, tmp_path / "whole", str(data))
    figures = result["figures"]
    assert figures["miou/bdd_labelled_val@day"] > 35  # a constant guess reaches 12
    with (tmp_path / "whole" / "csv" / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]
    assert losses[-1] < 0.6 * losses[0]

    half = load_config(recipe, [*tiny, "steps=15", "val_every=15"])
    train(half, tmp_path / "parts", str(data))
    longer = load_config(recipe, [*tiny, "steps=30", "val_every=15"])
    resumed = train(longer, tmp_path / "parts", str(data))
    assert resumed["chosen_step"] == 30
    with (tmp_path / "parts" / "csv" / "metrics.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file) if row["loss"]]
    assert steps == [9, 19, 29]  # of both parts
    assert [part["from_step"] for part in resumed["parts"]] == [0, 15]

    network, _, about = load_checkpoint(Path(result["checkpoint"]))
    assert about["config"]["steps"] == 60
    pool = open_set(f"unlabelled:{data / 'pool_day'}")
    shares = [share for _, share in label_images(network, pool, tmp_path / "pool", threshold=0.2)]
    assert len(shares) == 3
    assert min(shares) > 0.2
    labelled = open_set(f"folder:{tmp_path / 'pool'}")
    image, label = labelled.load_pair(labelled.samples[0])
    assert image.shape[:2] == label.shape


def test_a_training_of_few_steps_has_a_curve(tmp_path, data, tiny):
    recipe = next(path for path in RECIPES if path.stem == "see_clearer_single")
    config = load_config(recipe, [*tiny, "steps=3", "val_every=3", "val=[]"])
    train(config, tmp_path, str(data))
    with (tmp_path / "csv" / "metrics.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2"]
    assert (tmp_path / "curve.png").is_file()


def test_translated_frames_take_the_place_of_day_frames(runs, data):
    from nightseg_ros.learning.source_config import SourceConfig
    from nightseg_ros.learning.tensor_set import load_source

    spec = f"nightseg:{data}:bdd_labelled/train"
    plain = load_source(SourceConfig(spec), "", (96, 160), seed=0)
    mixed = load_source(
        SourceConfig(spec, translated=str(runs / "bdd_as_night"), replace=2), "", (96, 160), seed=0
    )
    changed = (plain.images != mixed.images).flatten(1).any(1)
    assert int(changed.sum()) == 2
    assert torch.equal(plain.labels, mixed.labels)
    assert mixed.images[changed].float().mean() < 0.3 * plain.images[changed].float().mean()
    with pytest.raises(NightsegError, match="replace is 9, the set has 4"):
        load_source(
            SourceConfig(spec, translated=str(runs / "bdd_as_night"), replace=9), "", (96, 160), 0
        )


def test_cyclegan_generators_come_back_and_translate(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = next(path for path in RECIPES if path.stem == "cyclegan_light")
    config = load_config(
        recipe,
        ["filters=4", "blocks=1", "view=[32, 48]", "cache=[48, 80]", "steps=6", "save_every=3"],
    )
    train(config, tmp_path / "gan", str(data))
    generator = load_generator(tmp_path / "gan" / "day2night.pt")
    moved = sum(float(p.detach().abs().sum()) for p in generator.last.parameters())
    assert moved > 0  # it started at zero: the generator was trained
    images = open_set(f"unlabelled:{data / 'pool_day'}")
    names = list(translate_images(generator, images, tmp_path / "night", (48, 80)))
    assert len(list((tmp_path / "night").glob("*.png"))) == len(names) == 3
    first = cv2.imread(str(next((tmp_path / "night").glob("*.png"))))
    assert first.shape == (96, 160, 3)


def test_a_recipe_without_its_data_says_how_to_name_it(tmp_path):
    config = load_config(next(path for path in RECIPES if path.stem == "teacher"))
    with pytest.raises(NightsegError, match="--data DIR or set NIGHTSEG_DATA"):
        train(config, tmp_path, "")


def test_a_teacher_alone_can_teach_and_stays_out_of_the_checkpoint(
    tmp_path, data, tiny, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    recipe = next(path for path in RECIPES if path.stem == "see_clearer_single")
    taught = load_config(recipe, [*tiny, "steps=60", "monitor=miou/mean"])
    teacher = Path(train(taught, tmp_path / "teacher", str(data))["checkpoint"])
    alone = load_config(recipe, [*tiny, "steps=60", "seed=3", f"teacher={teacher}", "distill=1.0"])
    result = train(alone, tmp_path / "student", str(data))
    # No label was looked at: what the student knows it has from the teacher.
    assert result["figures"]["miou/bdd_labelled_val@day"] > 30
    state = torch.load(tmp_path / "student" / "last.ckpt", weights_only=True)["state_dict"]
    assert not [name for name in state if "teacher" in name]


def test_a_teacher_that_does_not_fit_is_refused(tmp_path, data, tiny):
    recipe = next(path for path in RECIPES if path.stem == "see_clearer_single")
    teacher = small_teacher(tmp_path / "other.pt", classes=11)
    with pytest.raises(NightsegError, match="has 11 classes, label set cityscapes19 has 19"):
        train(load_config(recipe, [*tiny, f"teacher={teacher}"]), tmp_path / "out", str(data))
