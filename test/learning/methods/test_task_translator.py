# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The translator with a task: what its losses reach, what stays frozen, and that it helps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.augmentation import AugmentConfig  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.image_features import last_convolution  # noqa: E402
from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig  # noqa: E402
from nightseg_ros.learning.methods.task_translator.config import TaskTranslatorConfig  # noqa: E402
from nightseg_ros.learning.methods.task_translator.module import TaskTranslator, copy_generator  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.create_generator import create_generator  # noqa: E402
from nightseg_ros.learning.networks.generators import LightGenerator  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402
from nightseg_ros.learning.translate import load_generator, save_generator  # noqa: E402

RECIPE = Path(__file__).parents[3] / "config" / "recipes" / "night2day_task.yaml"
LOSSES = ("task", "consistency", "reconstruction", "features", "imitation")


def day_model(folder: Path, classes: int = 19) -> str:
    torch.manual_seed(0)
    config = NetworkConfig(width=0.25, classes=classes)
    path = folder / f"day_{classes}.pt"
    save_checkpoint(path, create_network(config), config, {})
    return str(path)


def generator_file(folder: Path, kind: str, filters: int, blocks: int) -> str:
    config = TranslateConfig(
        "g", ("day",), ("night",), generator=kind, filters=filters, blocks=blocks
    )
    path = folder / f"{kind}_{filters}_{blocks}.pt"
    torch.manual_seed(5)
    generator = create_generator(kind, filters, blocks)
    if isinstance(generator, LightGenerator):
        torch.nn.init.normal_(generator.last.weight, 0.0, 0.05)
    save_generator(path, generator, config)
    return str(path)


def small(folder: Path, **changes) -> TaskTranslatorConfig:
    config = TaskTranslatorConfig(
        name="small",
        train=(SourceConfig("nightseg:{data}:bdd_labelled/train", relight=True),),
        val=("nightseg:{data}:bdd_labelled/val@night",),
        day_model=day_model(folder),
        filters=4,
        blocks=1,
        view=(64, 96),
        cache=(96, 160),
        test_size=(64, 96),
        augment=AugmentConfig(night=1.0),
        steps=2,
        batch=2,
        val_every=2,
        precision="32-true",
    )
    return replace(config, **changes)


def tensor_set(relight: tuple[bool, ...] = (True, True)) -> TensorSet:
    torch.manual_seed(2)
    images = torch.randint(0, 256, (len(relight), 96, 160, 3), dtype=torch.uint8)
    labels = torch.randint(0, 19, (len(relight), 96, 160), dtype=torch.uint8)
    return TensorSet(images, labels, torch.ones(len(relight)), torch.tensor(relight))


def only(folder: Path, name: str) -> TaskTranslatorConfig:
    weights = {key: float(key == name) for key in LOSSES}
    if name == "imitation":
        weights["big"] = generator_file(folder, "resnet", 4, 1)
    return small(folder, init=generator_file(folder, "light", 4, 1), **weights)


def step(recipe: TaskTranslator, count: int = 2) -> dict[str, float]:
    seen: dict[str, float] = {}
    recipe.log = lambda *_a, **_k: None
    recipe.log_dict = lambda values, **_k: seen.update(values)
    recipe.training_step(torch.arange(count), 0).backward()
    return seen


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_reaches_the_generator_and_nothing_frozen(name, tmp_path):
    recipe = TaskTranslator(only(tmp_path, name), tensor_set(), {})
    assert set(step(recipe)) == {f"loss/{name}"}
    generator = recipe.network.generator
    # The big generator's features are those before the last block.
    parts = list(generator.layers[:9]) if name == "imitation" else [generator]
    weights = [p for part in parts for p in part.parameters() if p.ndim > 1]
    assert weights
    assert all(float(p.grad.abs().sum()) > 0 for p in weights)
    assert all(p.grad is None for p in recipe.network.segmenter.parameters())
    if name == "imitation":
        assert recipe.adapter is not None
        assert float(recipe.adapter.weight.grad.abs().sum()) > 0
        assert {id(p) for p in recipe.adapter.parameters()} <= {
            id(p) for p in recipe.trained_parameters()
        }


def test_night_frames_are_not_compared_with_a_day_frame(tmp_path):
    recipe = TaskTranslator(small(tmp_path), tensor_set((False, False)), {})
    assert set(step(recipe)) == {"loss/task"}
    mixed = TaskTranslator(small(tmp_path), tensor_set((True, False)), {})
    assert set(step(mixed)) == {f"loss/{name}" for name in LOSSES if name != "imitation"}


def test_nights_are_made_in_both_ways_and_only_of_day_frames(tmp_path):
    made = generator_file(tmp_path, "light", 4, 1)
    config = small(tmp_path, day2night=made, generated=0.5)
    recipe = TaskTranslator(config, tensor_set(), {})
    torch.manual_seed(0)
    days, from_day = torch.rand(24, 3, 32, 48), torch.tensor([True] * 20 + [False] * 4)
    nights = recipe._make_nights(days, torch.zeros(24, 32, 48, dtype=torch.uint8), from_day)
    by_generator = (load_generator(Path(made))(days * 2 - 1) + 1) / 2
    alike = ((nights - by_generator).abs().flatten(1).amax(1) < 1e-5)[:20]
    assert 3 < int(alike.sum()) < 17
    assert bool(((nights != days).flatten(1).any(1) == from_day).all())


def test_the_day_model_is_neither_copied_nor_saved_nor_set_to_train(tmp_path):
    recipe = TaskTranslator(small(tmp_path), tensor_set(), {}).train()
    assert recipe.average.segmenter is recipe.network.segmenter
    assert not recipe.network.segmenter.training
    assert not [name for name in recipe.state_dict() if "segmenter" in name]


def test_it_goes_on_and_reports_with_and_without_translation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = str(make_data(tmp_path / "data"))
    config = small(tmp_path)
    result = train(config, tmp_path / "run", data)
    assert set(result["figures"]) == {
        "miou/bdd_labelled_val@night", "direct/bdd_labelled_val@night", "miou/mean", "score",
    }  # fmt: skip
    assert result["figures"]["miou/mean"] == result["figures"]["miou/bdd_labelled_val@night"]
    result = train(replace(config, steps=4), tmp_path / "run", data)
    state = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert state["global_step"] == 4
    assert isinstance(load_generator(Path(result["checkpoint"])), LightGenerator)


def test_steps_lower_the_day_models_loss_by_night(tmp_path):
    config = replace(only(tmp_path, "task"), init="", filters=8)
    recipe = TaskTranslator(config, tensor_set(), {})
    with torch.no_grad():  # a random network hardly looks at its image; make it
        last_convolution(recipe.network.segmenter).weight.mul_(100)
    optimizer = torch.optim.Adam(recipe.trained_parameters(), 3e-3)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        torch.manual_seed(7)  # the same views, relit the same way
        losses.append(step(recipe)["loss/task"].item())
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_fewer_blocks_start_from_the_first_ones_of_more():
    torch.manual_seed(0)
    longer, shorter = create_generator("light", 4, 3), create_generator("light", 4, 2)
    torch.nn.init.normal_(longer.last.weight)
    copy_generator(longer, shorter)
    block = longer.layers[11]
    for parameter in block.parameters():
        torch.nn.init.zeros_(parameter)  # now it adds nothing
    x = torch.rand(1, 3, 32, 48)
    assert torch.allclose(longer.eval()(x), shorter.eval()(x), atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"day_model": ""}, "day_model is empty"),
        ({"generated": 0.5}, "name the generator"),
        ({"task": -1.0}, "task is -1.0; use 0 or more"),
        ({"teacher": "t.pt"}, "leave them"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path, changes, message):
    with pytest.raises(NightsegError, match=message):
        small(tmp_path, **changes)


def test_checkpoints_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(NightsegError, match="has 11 classes, label set cityscapes19 has 19"):
        TaskTranslator(small(tmp_path, day_model=day_model(tmp_path, 11)), tensor_set(), {})
    other = small(tmp_path, init=generator_file(tmp_path, "light", 8, 1))
    with pytest.raises(NightsegError, match="is a generator light of 8 filters"):
        TaskTranslator(other, tensor_set(), {})


@pytest.mark.slow
def test_the_light_generator_is_light():
    from nightseg_ros.export.to_onnx import translation_onnx
    from nightseg_ros.trials.engine_bench.graph import count_macs

    config = load_config(RECIPE)
    generator = create_generator(config.generator, config.filters, config.blocks)
    assert sum(p.numel() for p in generator.parameters()) <= 300_000
    assert count_macs(translation_onnx(generator, (272, 480))) <= 4_000_000_000
