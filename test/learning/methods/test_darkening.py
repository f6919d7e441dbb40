# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Curves are trained on day frames alone, go on where they stopped, and leave the day model be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.bundles.bundle import TRANSLATION  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.source import read_source  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.darkenings import (  # noqa: E402
    darken_by,
    darken_image,
    load_darkening,
    load_fixed_exposure,
    save_darkening,
)
from nightseg_ros.learning.methods.darkening.config import DarkeningConfig  # noqa: E402
from nightseg_ros.learning.methods.darkening.module import DarkeningModule  # noqa: E402
from nightseg_ros.learning.methods.enhancement.config import EnhancementConfig  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.darkening import Darkening  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    save_checkpoint,
)
from nightseg_ros.learning.train import train  # noqa: E402
from nightseg_ros.learning.translate import load_generator  # noqa: E402

RECIPES = Path(__file__).parents[3] / "config" / "recipes"
SMALL = ["view=[32, 48]", "cache=[48, 80]", "batch=2", "precision=32-true"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def day_model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("day") / "model.pt"
    config = NetworkConfig(width=0.25)
    save_checkpoint(path, create_network(config), config, {})
    return path


def recipe(day_model: Path, *changes: str) -> DarkeningConfig:
    settings = [*SMALL, f"day_model={day_model}", *changes]
    loaded: DarkeningConfig = load_config(RECIPES / "darkening.yaml", settings)
    return loaded


@pytest.mark.slow
def test_training_darkens_stops_and_goes_on(tmp_path, data, day_model):
    changes = ("save_every=30", "lr=5e-3", "similarity=0")
    first = train(recipe(day_model, "steps=30", *changes), tmp_path, str(data))
    before = load_darkening(Path(first["checkpoint"])).state_dict()
    second = train(recipe(day_model, "steps=120", *changes), tmp_path, str(data))
    rates = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert rates["global_step"] == 120
    network = load_darkening(Path(second["checkpoint"]))
    assert any(not torch.equal(v, before[k]) for k, v in network.state_dict().items())
    content = torch.load(second["checkpoint"], weights_only=True)
    assert content["network"]["kind"] == "darkening"
    assert content["about"]["day_only"] is True
    assert set(content["about"]["frames"].values()) == {4, 3}
    day = torch.full((1, 3, 32, 48), 0.5)
    dark, bright = (float(network(day, torch.tensor(x)).mean()) for x in (0.02, 0.45))
    assert dark + 0.05 < bright < 0.55  # it has learnt what exposure means


def test_only_the_module_is_trained(day_model):
    config = recipe(day_model)
    made = DarkeningModule(config, torch.randint(0, 256, (3, 48, 80, 3), dtype=torch.uint8))
    assert all(name.startswith("network.") for name, _ in made.named_parameters())
    assert not [name for name in made.state_dict() if "encoder" in name]
    (stages,) = made._stages
    before = {k: v.clone() for k, v in stages.network.state_dict().items()}
    made.train()
    frames = made._views(torch.tensor([0, 1]))
    parts = made.losses_of(frames, torch.full((2, 1, 1, 1), 0.1))
    assert set(parts) == {"exposure", "colour", "smooth", "flex", "similarity"}
    parts["similarity"].backward()
    assert float(made.network.estimator.layers[0][0].weight.grad.abs().sum()) > 0
    assert all(p.grad is None and not p.requires_grad for p in stages.network.parameters())
    assert not stages.network.training
    assert all(torch.equal(v, before[k]) for k, v in stages.network.state_dict().items())


def test_frames_of_the_night_are_refused(tmp_path, data, day_model):
    night = f'images=["nightseg:{data}:bdd_labelled/train", "nightseg:{data}:pool_night"]'
    with pytest.raises(NightsegError, match="is of night, and zero-shot training sees day only"):
        train(recipe(day_model, night), tmp_path, str(data))
    folder = f'images=["unlabelled:{data}/pool_day@day"]'
    with pytest.raises(NightsegError, match="does not say its time of day"):
        train(recipe(day_model, folder), tmp_path, str(data))


@pytest.mark.slow
def test_enhancement_brightens_and_is_a_translator(tmp_path, data):
    changes = [*SMALL, "steps=30", "save_every=30", "lr=5e-3", "clip=1.0"]
    config: EnhancementConfig = load_config(RECIPES / "enhancement.yaml", changes)
    result = train(config, tmp_path, str(data))
    generator = load_generator(Path(result["checkpoint"]))
    dark = torch.rand(1, 3, 32, 48) * 0.1
    made = (generator(dark * 2 - 1) + 1) / 2
    assert float(made.mean()) > 1.5 * float(dark.mean())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("darkening") / "darkening.pt"
    config = DarkeningConfig("small", ("a",), similarity=0.0, shrink=2)
    save_darkening(path, Darkening(shrink=2, gain=3.0), config)
    return path


def test_the_module_comes_back_as_a_darkening_and_as_a_generator(checkpoint):
    frames = torch.rand(2, 3, 32, 48)
    network = load_darkening(checkpoint)
    made = darken_by("module", checkpoint)(frames, torch.tensor(0.1))
    assert torch.equal(made, network(frames, torch.tensor(0.1)))
    generator = load_fixed_exposure(checkpoint)  # at apply_at, 0.1
    assert torch.allclose((generator(frames * 2 - 1) + 1) / 2, made, atol=1e-5)
    with pytest.raises(NightsegError, match=r"exposure is 1\.5"):
        load_fixed_exposure(checkpoint, 1.5)
    image = np.full((20, 30, 3), 100, np.uint8)
    dark = darken_image(darken_by("gamma"), image, 0.1)
    assert dark.shape == image.shape
    assert abs(float(dark.mean()) / 255 - 0.1) < 0.01


@pytest.mark.slow
def test_it_is_exported_and_equals_itself(checkpoint, day_model):
    source = read_source(checkpoint, size=(64, 96), exposure=0.3)
    assert (source.kind, source.training["network"]["apply_at"]) == (TRANSLATION, 0.3)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    assert source.engine is not None
    (made,) = source.engine.run(image)
    frame = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    expected = load_darkening(checkpoint)(frame, torch.tensor(0.3))[0].permute(1, 2, 0) * 255
    assert abs(made.astype(float) - expected.numpy()).max() < 0.51
    with pytest.raises(NightsegError, match="leave --exposure out"):
        read_source(day_model, size=(64, 96), route="day", exposure=0.3)


def test_checkpoints_of_other_kinds_are_refused(day_model):
    with pytest.raises(NightsegError, match="holds no darkening module"):
        load_darkening(day_model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("curve=cubic", "use one of quadratic, gamma, reciprocal"),
        ("exposure=[0.5, 0.1]", "the lower one first"),
        ("day_model=", "day_model is empty"),
        ("similarity=-1", "similarity is -1"),
        ("view=[36, 48]", "as multiples of 8"),
        ("cache=[16, 16]", "is larger than cache"),
        ("images=[]", r"images is \[\]"),
        ("shrink=0", "shrink is 0"),
        ("floor=0", "floor is 0"),
        ("gain=0", "gain is 0"),
        ("colour=-1", "colour is -1"),
    ],
)
def test_wrong_recipes_are_refused(day_model, change, reason):
    with pytest.raises(NightsegError, match=reason):
        recipe(day_model, change)


def test_a_day_model_that_does_not_fit_the_views_is_refused(tmp_path):
    config = NetworkConfig("panoptic_fpn18", width=0.125)
    save_checkpoint(tmp_path / "fpn.pt", create_network(config), config, {})
    fits_not = recipe(tmp_path / "fpn.pt", "view=[48, 64]", "cache=[48, 80]")
    with pytest.raises(NightsegError, match="needs multiples of 32"):
        DarkeningModule(fits_not, torch.zeros(1, 48, 80, 3, dtype=torch.uint8))


def test_a_module_that_does_not_describe_itself_is_refused(tmp_path, checkpoint):
    content = torch.load(checkpoint, weights_only=True)
    del content["network"]["gain"]
    torch.save(content, tmp_path / "old.pt")
    with pytest.raises(NightsegError, match=r"old\.pt lacks gain"):
        load_darkening(tmp_path / "old.pt")
