# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network of any label set: trained, validated, labelling, exported."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.label_files import PARK, known_sets_kept  # noqa: E402

from nightseg_ros.datasets.catalog import open_set  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.source import read_source  # noqa: E402
from nightseg_ros.labels.label_file import find_label_set  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19, Label, LabelSet, label_set  # noqa: E402
from nightseg_ros.labels.lookup import lookup  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    labels_of,
    load_checkpoint,
    load_start,
    save_checkpoint,
)
from nightseg_ros.learning.pseudo_labels import label_images  # noqa: E402
from nightseg_ros.learning.tensor_set import load_sets  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402
from nightseg_ros.learning.validation import figures_of  # noqa: E402

SIZE = (64, 96)


@pytest.fixture(autouse=True)
def _known_sets_kept():
    with known_sets_kept():
        yield


def make_set(folder: Path, ids: list[int], names: str = "") -> str:
    """Four frames of vertical stripes, one of each id."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    label = np.repeat(np.array(ids, np.uint8), SIZE[1] // len(ids))[None].repeat(SIZE[0], 0)
    for number in range(4):
        noise = rng.integers(0, 40, (*SIZE, 3))
        image = (label[..., None].astype(int) * 50 % 200 + noise).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), image)
        cv2.imwrite(str(folder / "labels" / f"{number}.png"), label)
    if names:
        (folder / "class_names.txt").write_text(names)
    return f"folder:{folder}"


def write_park(folder: Path) -> str:
    (folder / "park.yaml").write_text(PARK)
    return str(folder / "park.yaml")


@pytest.fixture
def recipe(tmp_path) -> Path:
    """A recipe in the label set of a park, one set of which is labelled as Cityscapes."""
    write_park(tmp_path)
    own = make_set(tmp_path / "own", [0, 1, 2, 9], "0 path\n1 grass\n2 sky\n")
    city = make_set(tmp_path / "city", [0, 9, 10, 11])
    text = {
        "name": "park",
        "labels": str(tmp_path / "park.yaml"),
        "network": {"name": "erf_pspnet", "width": 0.25, "classes": 3},
        "train": [{"data": own, "relight": True, "fill": True}, {"data": city}],
        "val": [own, city],
        "augment": {"night": 0.5, "paste": 0.5},
        "view": list(SIZE),
        "cache": list(SIZE),
        "test_size": list(SIZE),
        "steps": 2,
        "batch": 2,
        "val_every": 1,
        "precision": "32-true",
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(text))
    return tmp_path / "recipe.yaml"


@pytest.mark.slow
def test_a_network_of_its_own_classes_goes_all_the_way(tmp_path, recipe):
    result = train(load_config(recipe), tmp_path / "out")
    assert sum(key.endswith(("own", "city", "mean")) for key in result["figures"]) == 3
    path = Path(result["checkpoint"])
    labels = labels_of(path)
    assert labels.names == ("path", "grass", "sky")
    assert load_checkpoint(path)[1].classes == 3

    pool = open_set(f"unlabelled:{tmp_path / 'own' / 'images'}")
    for _ in label_images(
        load_checkpoint(path)[0], pool, tmp_path / "pool", threshold=0.1, label_set=labels
    ):
        pass
    assert open_set(f"folder:{tmp_path / 'pool'}").label_set == "park3"

    source = read_source(path, size=SIZE, route="day")
    assert source.labels == labels


@pytest.mark.parametrize("ciconv", [False, True])
@pytest.mark.parametrize("name", ["erf_pspnet", "deeplab_v3plus_mobilenet"])
def test_a_start_from_other_classes_leaves_the_layers_that_give_them_as_they_are(
    tmp_path, name, ciconv
):
    before = create_network(NetworkConfig(name=name, width=0.25))
    save_checkpoint(tmp_path / "day.pt", before, NetworkConfig(name=name, width=0.25), {})
    park = find_label_set(write_park(tmp_path))
    config = NetworkConfig(name=name, width=0.25, classes=3, ciconv=ciconv)
    network = create_network(config)
    own = {key: value.clone() for key, value in network.state_dict().items()}
    load_start(network, tmp_path / "day.pt", config, park)
    fresh = []
    for key, value in network.state_dict().items():
        wanted = before.state_dict().get(key.removeprefix("network."))
        if wanted is None or wanted.shape != value.shape:
            assert torch.equal(value, own[key]), key
            fresh.append(key)
        else:
            assert torch.equal(value, wanted), key
    assert 1 <= len([key for key in fresh if "invariant" not in key]) <= 4


def test_as_many_but_other_classes_start_afresh_too(tmp_path):
    config = NetworkConfig(width=0.25)
    before = create_network(config)
    save_checkpoint(tmp_path / "day.pt", before, config, {})
    names = tuple(Label(id, f"class {id}", (id, 0, 1)) for id in range(19))
    network = create_network(config)
    own = network.head[-1].weight.clone()
    load_start(network, tmp_path / "day.pt", config, LabelSet("mine", names))
    assert torch.equal(network.head[-1].weight, own)
    assert torch.equal(network.head[0].weight, before.head[0].weight)


def test_coarse_labels_validate_what_they_say_of_single_classes(tmp_path):
    names = "".join(f"{id} {name}\n" for id, name in enumerate(label_set("idd7").names))
    spec = make_set(tmp_path / "idd", [0, 1, 3, 6], names)
    (found,) = load_sets([spec], "", SIZE).values()
    assert found[1].unique().tolist() == [0, 10, 255]  # road, sky, and groups of several classes
    figures = figures_of(create_network(NetworkConfig(width=0.25)), *found, SIZE)
    assert figures.miou >= 0


def test_the_count_of_classes_must_be_that_of_the_labels(recipe):
    with pytest.raises(NightsegError, match=r"network.classes is 19; labels are read as park3"):
        load_config(recipe, ["network.classes=19"])


def test_a_teacher_of_other_labels_is_refused(tmp_path, recipe):
    first = train(load_config(recipe), tmp_path / "out")["checkpoint"]
    changes = ["labels=cityscapes19", "network.classes=19", f"teacher={first}", "val=[]"]
    changes.append(f"train=[{{data: folder:{tmp_path / 'city'}}}]")
    with pytest.raises(NightsegError, match="has 3 classes of park3, need 19 of cityscapes19"):
        train(load_config(recipe, changes), tmp_path / "other")


def test_a_changed_label_file_is_another_training(tmp_path, recipe):
    train(load_config(recipe), tmp_path / "out")
    text = (tmp_path / "park.yaml").read_text()
    (tmp_path / "park.yaml").write_text(text.replace("terrain: grass", "terrain: path"))
    with pytest.raises(NightsegError, match="labels: other files than now"):
        train(load_config(recipe), tmp_path / "out")


def test_checkpoints_without_labels_are_of_cityscapes(tmp_path, recipe):
    path = Path(train(load_config(recipe), tmp_path / "out")["checkpoint"])
    content = torch.load(path, weights_only=True)
    del content["labels"]
    torch.save(content, path)
    with pytest.raises(NightsegError, match="has 3 classes, label set cityscapes19 has 19"):
        labels_of(path)
    content["network"]["classes"] = 19
    torch.save(content, path)
    assert labels_of(path) == CITYSCAPES19


def test_the_files_of_the_page_are_what_they_are_said_to_be(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "doc/how_to/own_classes.md").read_text(encoding="utf-8")
    classes, recipe = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("mydata").mkdir()
    Path("mydata/classes.yaml").write_text(classes)
    Path("mine.yaml").write_text(recipe)
    config = load_config(Path("mine.yaml"))
    assert config.label_set.names == ("blocked", "free")
    assert lookup("cityscapes19", "drive2")[:3].tolist() == [1, 0, 0]
    assert lookup("drive2", "drivable")[:2].tolist() == [0, 1]
