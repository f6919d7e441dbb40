# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""UNIT: each loss reaches what it is to train, the latent space is shared, runs go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.image_features import (  # noqa: E402
    VggFeatures,
    load_features,
    normalised_distance,
)
from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig  # noqa: E402
from nightseg_ros.learning.methods.unit.config import UnitConfig  # noqa: E402
from nightseg_ros.learning.methods.unit.module import Unit  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.networks.unit import ScaledDiscriminator, UnitGenerator  # noqa: E402
from nightseg_ros.learning.train import train  # noqa: E402
from nightseg_ros.learning.translate import load_generator  # noqa: E402
from nightseg_ros.learning.unpaired import from_made, from_real  # noqa: E402

SMALL = UnitConfig(
    "small",
    ("unlabelled:{data}/pool_day",),
    ("unlabelled:{data}/pool_night",),
    filters=4,
    blocks=2,
    judge_filters=4,
    judge_scales=2,
    view=(32, 48),
    cache=(48, 80),
    steps=2,
    save_every=2,
    precision="32-true",
)


@pytest.fixture
def day_model(tmp_path):
    config = NetworkConfig(width=0.25)
    path = tmp_path / "day.pt"
    save_checkpoint(path, create_network(config), config, {})
    return path


def frames(count: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (count, 48, 80, 3), dtype=torch.uint8)


def views() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.rand(1, 3, 32, 48) * 2 - 1, torch.rand(1, 3, 32, 48) * 2 - 1


def reached(module: torch.nn.Module) -> bool:
    return all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in weights(module))


def weights(module: torch.nn.Module) -> list[torch.nn.Parameter]:
    # A bias before an instance norm has no effect, so no gradient.
    return [p for p in module.parameters() if p.ndim > 1]


@pytest.mark.parametrize(
    ("loss", "unreached"),
    [
        ("gan", ()),
        ("reconstruction", ()),
        ("cycle", ()),
        ("kl", ("decode_day", "decode_night")),
        ("cycle_kl", ()),
        ("perceptual", ()),
    ],
)
def test_every_loss_reaches_what_it_is_to_train(loss, unreached, day_model):
    config = replace(SMALL, perceptual=1.0, perceptual_network=str(day_model), shared=0)
    unit = Unit(config, frames(), frames())
    made = unit.make(*views())
    assert set(made.losses) == {
        "gan", "reconstruction", "cycle", "kl", "cycle_kl", "perceptual",
    }  # fmt: skip
    made.losses[loss].backward()
    for name in ("encode_day", "encode_night", "decode_day", "decode_night"):
        assert reached(getattr(unit, name)) == (name not in unreached), name


def test_the_weights_of_the_losses_multiply_them(day_model):
    config = replace(SMALL, perceptual=1.0, perceptual_network=str(day_model))
    unit = Unit(config, frames(), frames())
    torch.manual_seed(1)
    once = unit.make(*views()).losses
    for name in ("gan", "reconstruction", "cycle", "kl", "cycle_kl", "perceptual"):
        unit.config = replace(config, **{name: 3 * getattr(config, name)})
        torch.manual_seed(1)
        thrice = unit.make(*views()).losses
        assert float(thrice[name].detach()) == pytest.approx(3 * float(once[name].detach()))


def test_the_kl_term_is_the_divergence_from_a_unit_gaussian():
    from torch.distributions import Normal, kl_divergence

    from nightseg_ros.learning.networks.unit import latent_divergence

    mean = torch.randn(2, 3, 4, 5)
    exact = kl_divergence(Normal(mean, 1.0), Normal(0.0, 1.0)).mean()
    assert float(latent_divergence(mean)) == pytest.approx(2 * float(exact), rel=1e-5)


def test_the_latent_space_is_shared_and_trained_once():
    unit = Unit(SMALL, frames(), frames())
    assert unit.encode_day.blocks[1] is unit.encode_night.blocks[1]
    assert unit.decode_day.blocks[0] is unit.decode_night.blocks[0]
    assert unit.encode_day.blocks[0] is not unit.encode_night.blocks[0]
    optimizers, _ = unit.configure_optimizers()
    trained = [p for group in optimizers[0].param_groups for p in group["params"]]
    assert len(trained) == len({id(p) for p in trained})
    everything = {id(p) for part in unit.generator_parts() for p in part.parameters()}
    assert everything == {id(p) for p in trained}


def test_the_rate_is_halved():
    unit = Unit(replace(SMALL, halve_every=10), frames(), frames())
    assert [unit.rate_factor(step) for step in (0, 9, 10, 25)] == [1.0, 1.0, 0.5, 0.25]


def test_judges_look_at_every_scale():
    discriminator = ScaledDiscriminator(4, scales=3)
    scores = discriminator(torch.randn(1, 3, 64, 96))
    assert [tuple(score.shape[2:]) for score in scores] == [(4, 6), (2, 3), (1, 1)]
    (from_real(scores) + from_made(scores)).backward()
    assert reached(discriminator)
    ones = [torch.ones_like(score) for score in scores]
    assert float(from_real(ones)) == 0.0
    assert float(from_made(ones)) == 3.0


def test_a_run_goes_on_and_its_generators_come_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = str(make_data(tmp_path / "data"))
    train(SMALL, tmp_path / "run", data)
    first = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    train(replace(SMALL, steps=4), tmp_path / "run", data)
    second = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert (first["global_step"], second["global_step"]) == (4, 8)  # of two optimizers
    for name in ("night2day", "day2night"):
        generator = load_generator(tmp_path / "run" / f"{name}.pt")
        assert isinstance(generator, UnitGenerator)
        y = generator(torch.zeros(1, 3, 32, 48))
        assert y.shape == (1, 3, 32, 48)
    state = second["state_dict"]
    key = "encode_night.front.1.weight"
    saved = load_generator(tmp_path / "run" / "night2day.pt").state_dict()["encoder.front.1.weight"]
    assert torch.equal(saved, state[key])


def test_vgg_weights_come_from_a_file_of_torchvisions_names(tmp_path):
    network = VggFeatures()
    numbers = sorted(
        {int(name.split(".")[1]) for name in network.state_dict() if name.startswith("features")}
    )
    # As published: the places of VGG16's thirteen convolutions.
    assert numbers == [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    torch.save({**network.state_dict(), "classifier.0.weight": torch.zeros(2)}, tmp_path / "vgg.pt")
    features = load_features(tmp_path / "vgg.pt")
    assert features(torch.rand(1, 3, 32, 48)).shape == (1, 512, 2, 3)
    assert not any(p.requires_grad for p in features.parameters())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no perceptual network"),
        ({"fc.weight": torch.zeros(1)}, "features.0.bias"),
        ([1], "holds a list"),
        (b"no checkpoint", "holds no weights"),
    ],
)
def test_a_perceptual_network_that_is_none_is_named(tmp_path, content, message):
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(NightsegError, match=message):
        load_features(path)


def test_the_perceptual_distance_ignores_light_and_sees_content():
    x = torch.rand(1, 4, 8, 8)
    assert float(normalised_distance(x, 0.2 * x + 0.1)) < 1e-3
    assert float(normalised_distance(x, x.flip(3))) > 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"perceptual": 1.0}, "perceptual_network is empty"),
        ({"shared": 3}, "shared is 3"),
        ({"generator": "light"}, "generator is .light.; use unit"),
        ({"view": (32, 50)}, "multiples of 4"),
        ({"view": (64, 96)}, "larger than cache"),
        ({"judge_scales": 3}, "coarsest of 3"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, message):
    with pytest.raises(NightsegError, match=message):
        replace(SMALL, **changes)
    with pytest.raises(NightsegError, match="use one of resnet, light"):
        TranslateConfig("x", ("day",), ("night",), generator="unit")
