# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A method is a folder and a network is a file: adding one touches nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning import methods, networks  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.train import train  # noqa: E402

METHOD = '''
"""Learn the mean of a few random numbers."""

from dataclasses import dataclass

import lightning
import torch
from torch.utils.data import DataLoader

from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.trainer import fit, resumable


@dataclass(frozen=True)
class ToyConfig:
    """The keys of a toy."""

    name: str
    recipe: str = "toy"
    steps: int = 1
    lr: float = 0.1
    seed: int = 0
    precision: str = "32-true"
    devices: int = 1
    nodes: int = 1


class Toy(lightning.LightningModule):
    """One number."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.mean = torch.nn.Parameter(torch.zeros(()))

    def train_dataloader(self):
        return DataLoader(torch.ones(8), 4)

    def training_step(self, batch, _):
        return (batch - self.mean).square().mean()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.config.lr)


@resumable
def train_toy(run, config, data, fast_dev_run):
    """Train, and return the number."""
    module = Toy(config)
    fit(module, config, run, fast_dev_run=fast_dev_run)
    path = run.out / "model.pt"
    torch.save(module.state_dict(), path)
    return run.finish({"checkpoint": str(path), "figures": {"mean": float(module.mean)}})


METHOD = Method(ToyConfig, train_toy)
'''

NETWORK = '''
"""The smallest segmentation network there is."""

from torch import nn

from nightseg_ros.learning.networks import Family
from nightseg_ros.learning.networks.segmenter import Segmenter


class Dot(Segmenter):
    """One 1x1 convolution."""

    stride = 1

    def __init__(self, classes, width):
        super().__init__()
        self.classify = nn.Conv2d(3, classes, 1)

    def logits(self, x):
        return self.classify(x)


FAMILIES = (Family(("dot",), ("width",), lambda config: Dot(config.classes, config.width)),)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder in which methods and networks are looked for as well."""
    for package in (methods, networks):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    networks.families.cache_clear()
    yield tmp_path
    networks.families.cache_clear()
    for name in ("methods.toy.module", "methods.toy", "networks.dot", "networks.toy"):
        sys.modules.pop(f"nightseg_ros.learning.{name}", None)


def test_a_new_folder_is_a_new_method(folder):
    (folder / "toy").mkdir()
    (folder / "toy" / "__init__.py").write_text("")
    (folder / "toy" / "module.py").write_text(METHOD)
    recipe = folder / "recipe.yaml"
    recipe.write_text("name: mine\nrecipe: toy\n")
    assert "toy" in methods.method_names()
    with pytest.raises(NightsegError, match="key 'lrr' is unknown; did you mean 'lr'"):
        load_config(recipe, ["lrr=1"])
    result = train(load_config(recipe, ["lr=0.25"]), folder / "out")
    assert result["figures"]["mean"] == pytest.approx(0.5)
    assert train(load_config(recipe, ["lr=0.25"]), folder / "out") == result  # not repeated


def test_a_new_file_is_a_new_network(folder):
    (folder / "dot.py").write_text(NETWORK)
    config = NetworkConfig("dot", classes=5)
    network = create_network(config).eval()
    save_checkpoint(folder / "model.pt", network, config, {})
    loaded, described, _ = load_checkpoint(folder / "model.pt")
    assert described == config
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(loaded(image), network(image))
    with pytest.raises(NightsegError, match=r"network.dropout is 0.5, but dot has no such key"):
        NetworkConfig("dot", dropout=0.5)


def test_an_unknown_method_is_answered_with_those_there_are(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("name: mine\nrecipe: tow\n")
    with pytest.raises(NightsegError, match="recipe is 'tow'; there are adversarial, cyclegan"):
        load_config(recipe)


@pytest.mark.parametrize("name", methods.method_names())
def test_every_method_has_its_folder(name):
    method = methods.find_method(name)
    assert method.config.__dataclass_fields__["recipe"].default == name
    assert (Path(methods.__file__).parent / name / "README.md").is_file()
