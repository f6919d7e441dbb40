# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""NiSeNet's fusions: the shapes as drawn, gradients everywhere, and rules that can be learned."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from torch import nn  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.methods.nisenet_fusion.config import FusionConfig  # noqa: E402
from nightseg_ros.learning.methods.nisenet_fusion.module import (  # noqa: E402
    Fusion,
    FusionModule,
    Maps,
    draw_patches,
    fusion_loss,
    load_fusion,
    save_fusion,
    share_right,
)
from nightseg_ros.learning.methods.nisenet_fusion.pixel_fusion import fit_temperature, fuse_pixels  # noqa: E402
from nightseg_ros.learning.networks.patch_fusion import (  # noqa: E402
    PatchFusion,
    better_channel,
    cut,
    spread,
)
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402


def test_the_network_is_as_drawn():
    network = PatchFusion()
    seen = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.Linear):
            module.register_forward_hook(lambda _, __, y: seen.append(tuple(y.shape[1:])))
    assert network(torch.randint(0, 19, (2, 3, 20, 20))).shape == (3, 2)
    large = [(128, 16, 16), (64, 12, 12), (32, 8, 8), (16, 8, 8)]
    small = [(128, 18, 18), (64, 16, 16), (64, 8, 8), (32, 8, 8), (16, 8, 8)]
    assert seen == [*large, *small, (512,), (128,), (2,)]
    assert network.decide[0].in_features == 2048


def test_the_loss_reaches_both_streams_and_the_decision():
    torch.manual_seed(0)
    network = PatchFusion(0.25)
    pairs = torch.randint(0, 19, (2, 8, 20, 20), dtype=torch.uint8)
    loss, _ = fusion_loss(network(pairs), torch.randint(0, 2, (8,)), torch.rand(8))
    loss.backward()
    names = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert not names


def test_both_patches_are_seen_by_the_same_filters():
    network = PatchFusion(0.25)
    patch = torch.randint(0, 19, (1, 4, 20, 20))
    for stream in network.streams:
        coloured = network.palette[patch.expand(2, -1, -1, -1)].permute(0, 1, 4, 2, 3)
        first, second = stream.layers(coloured.flatten(0, 1)).chunk(2)
        assert torch.equal(first, second)


@pytest.mark.parametrize("size", [(40, 60), (41, 75), (15, 20)])
def test_patches_are_cut_and_spread_at_their_places(size):
    maps = torch.randint(0, 19, (2, 3, *size), dtype=torch.uint8)
    patches = cut(maps)
    rows, columns = math.ceil(size[0] / 20), math.ceil(size[1] / 20)
    assert patches.shape == (2, 3 * rows * columns, 20, 20)
    y, x = size[0] - 1, size[1] - 1
    last = patches[1, 3 * rows * columns - 1]
    assert int(last[y % 20, x % 20]) == int(maps[1, 2, y, x])
    assert int(last[-1, -1]) == int(maps[1, 2, y, x])  # continued beyond the edge
    numbers = spread(torch.arange(3 * rows * columns), 3, torch.Size(size))
    assert numbers.shape == (3, *size)
    for n in range(3 * rows * columns):
        places = (numbers == n).nonzero()
        frame, y, x = places[0].tolist()
        assert int(patches[0, n, 0, 0]) == int(maps[0, frame, y, x])
        assert (places[:, 1] // 20 == y // 20).all()
        assert (places[:, 2] // 20 == x // 20).all()


def test_which_channel_is_better_and_by_how_much():
    labels = torch.full((4, 20, 20), 5, dtype=torch.uint8)
    pairs = labels.repeat(2, 1, 1, 1)
    pairs[0, 0] = 1  # real wrong everywhere
    pairs[1, 1, :10] = 1  # adaptive wrong in half
    pairs[:, 2] = 1  # both wrong
    pairs[0, 3] = 1  # real wrong, but nothing is labelled
    labels[3] = 255
    better, shares = better_channel(pairs, labels)
    assert better[:2].tolist() == [1, 0]
    assert shares.tolist() == [1.0, 0.5, 0.0, 0.0]


def test_no_decisive_patch_gives_no_loss_and_no_nan():
    labels = torch.full((2, 40, 60), 5, dtype=torch.uint8)
    maps = Maps(labels.repeat(2, 1, 1, 1), labels)
    network = PatchFusion(0.1)
    pairs, wanted, shares = draw_patches(maps, torch.arange(2), 8)
    loss, right = fusion_loss(network(pairs), wanted, shares)
    loss.backward()
    assert (float(loss.detach()), float(right)) == (0.0, 0.0)


def planted(frames: int, seed: int) -> Maps:
    """Blocky labels; the real channel is wrong on the left half, the adaptive on the right.

    Wrong is not random: each has its own way to err, as networks have.
    """
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.randint(0, 19, (frames, 8, 12), generator=generator)
    labels = blocks.repeat_interleave(10, 1).repeat_interleave(10, 2)
    real, adaptive = labels.clone(), labels.clone()
    real[:, :, :60] = (real[:, :, :60] + 1) % 19
    speckle = torch.rand(frames, 80, 60, generator=generator) < 0.3
    adaptive[:, :, 60:][speckle] = 8
    return Maps(torch.stack([real, adaptive]).byte(), labels.byte())


def test_the_fusion_learns_a_planted_rule():
    torch.manual_seed(0)
    network = PatchFusion(0.2)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    maps, unseen = planted(12, 0), planted(6, 1)
    for _ in range(60):
        pairs, wanted, shares = draw_patches(maps, torch.randint(12, (4,)), 32)
        loss, _ = fusion_loss(network(pairs), wanted, shares)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert share_right(network.eval(), unseen) > 0.95
    chosen = network.choose(*unseen.channels)
    assert chosen[:, :, :60].float().mean() > 0.95
    assert chosen[:, :, 60:].float().mean() < 0.05
    fused = torch.where(chosen > 0, unseen.channels[1], unseen.channels[0])
    assert (fused == unseen.labels).float().mean() > 0.97


def test_the_recipe_draws_what_the_network_learns_from():
    config = FusionConfig("test", "r", "a", (SourceConfig("nowhere"),), width=0.1, batch=5)
    recipe = FusionModule(config, planted(3, 0))
    pairs, wanted, shares = draw_patches(planted(3, 0), torch.arange(3), 5)
    assert pairs.shape == (2, 5, 20, 20)
    assert wanted.shape == shares.shape == (5,)
    assert (shares > 0).all()
    assert next(iter(recipe.train_dataloader())).shape == (4,)
    group = recipe.configure_optimizers()["optimizer"].param_groups[0]
    assert len(group["params"]) == len(list(recipe.network.parameters()))


@pytest.mark.parametrize("wanted", [0.4, 1.0, 3.0])
def test_temperatures_are_found(wanted):
    torch.manual_seed(0)
    scores = 2 * torch.randn(6, 80, 80)
    labels = torch.distributions.Categorical(logits=scores.permute(1, 2, 0)).sample()
    labels[:3] = 255
    found = fit_temperature([wanted * scores], [labels.byte()], stride=1)
    assert found == pytest.approx(wanted, rel=0.08)
    with pytest.raises(NightsegError, match="no frame"):
        fit_temperature([scores], [torch.full((80, 80), 255, dtype=torch.uint8)])


def test_the_surer_channel_decides_once_both_are_calibrated():
    real, adaptive = torch.zeros(1, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    real[0, 0] = torch.tensor([[2.0, 2.0]])
    adaptive[0, 1] = torch.tensor([[8.0, 1.0]])
    probabilities, surer = fuse_pixels(real, adaptive, (1.0, 1.0))
    assert surer.tolist() == [[[True, False]]]
    assert probabilities.argmax(1).tolist() == [[[1, 0]]]
    assert torch.allclose(probabilities.sum(1), torch.ones(1, 1, 2))
    # The adaptive channel turns out to boast.
    assert fuse_pixels(real, adaptive, (1.0, 8.0))[1].tolist() == [[[False, False]]]


def test_a_fusion_comes_back(tmp_path):
    config = FusionConfig("test", "r", "a", (SourceConfig("nowhere"),), width=0.2)
    fusion = Fusion(PatchFusion(0.2).eval(), (0.5, 2.0))
    path = save_fusion(tmp_path / "model.pt", fusion, config)
    loaded = load_fusion(path)
    assert loaded.temperatures == (0.5, 2.0)
    pairs = torch.randint(0, 19, (2, 3, 20, 20))
    assert torch.equal(fusion.patches(pairs), loaded.patches(pairs))
    with pytest.raises(NightsegError, match="there is no fusion"):
        load_fusion(tmp_path / "other.pt")
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(NightsegError, match="is no fusion"):
        load_fusion(tmp_path / "bad.pt")


def test_bad_recipes_are_refused():
    source = (SourceConfig("nowhere"),)
    for keys, message in (
        ({"width": 0.0}, "width is 0.0"),
        ({"size": (20, 32)}, "size is"),
        ({"batch": 0}, "batch is 0"),
    ):
        with pytest.raises(NightsegError, match=message):
            FusionConfig("test", "r", "a", source, **keys)
    with pytest.raises(NightsegError, match=r"train is \[\]"):
        FusionConfig("test", "r", "a", ())
