# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The darkening module is the published one, and its curves move light and nothing else."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.networks.darkening import CURVES, Darkening  # noqa: E402

FRAMES = torch.rand(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))


def test_it_has_as_many_parameters_as_the_published_one():
    assert sum(p.numel() for p in Darkening().parameters()) == 40_686


@pytest.mark.parametrize("curve", CURVES)
def test_curves_keep_their_ends_and_never_turn(curve):
    network = Darkening(curve)
    ramp = torch.linspace(0, 1, 256).view(1, 1, 1, 256).expand(1, 3, 1, 256)
    darkest = ramp
    for bend in (0.0, 0.3, 1.0):
        one = torch.ones_like(ramp)
        made = network.apply_curves(ramp, bend * one, one)
        assert float(made[..., 0].max()) < 1e-3
        assert torch.allclose(made[..., -1], torch.ones(()), atol=1e-5)
        assert bool((made.diff(dim=3) >= -1e-6).all())
        assert bool((made <= darkest + 1e-3).all())
        darkest = made
    assert float(darkest.mean()) < 0.1  # from 0.5


def test_what_is_saturated_gets_darker_by_the_scale():
    network, white = Darkening(), torch.ones(1, 3, 1, 1)
    assert float(network.apply_curves(white, white, white).mean()) == 1.0
    assert float(network.apply_curves(white, white, 0.95 * white).mean()) < 0.01


def test_curves_lie_where_they_should_and_follow_the_exposure():
    network = Darkening()
    with torch.no_grad():
        bend, scale = network.curves(FRAMES, torch.tensor(0.1))
    assert bend.shape == scale.shape == FRAMES.shape
    assert float(bend.abs().max()) <= 1.0
    assert 0.95 <= float(scale.min()) <= float(scale.max()) <= 1.0
    other, _ = network.curves(FRAMES, torch.full((2, 1, 32, 48), 0.4))
    assert not torch.equal(other, bend)
    alone, _ = network.curves(FRAMES[1:], torch.tensor([0.1]))
    assert torch.allclose(alone, bend[1:], atol=1e-6)


def test_every_layer_is_used():
    network = Darkening()
    network(FRAMES, torch.tensor(0.1)).square().mean().backward()
    assert all(float(p.grad.abs().sum()) > 0 for p in network.parameters())


def test_curves_of_smaller_frames_are_enlarged():
    network = Darkening(shrink=2)
    smooth = torch.nn.functional.interpolate(FRAMES[..., ::8, ::8], (32, 48), mode="bilinear")
    made = network(smooth, torch.tensor(0.1))
    assert made.shape == smooth.shape
    full = network(smooth, torch.tensor(0.1), (32, 48))
    assert 0 < float((made - full).abs().mean()) < 0.02


def test_an_unknown_curve_is_refused():
    with pytest.raises(NightsegError, match="there are quadratic, gamma, reciprocal"):
        Darkening("cubic")
