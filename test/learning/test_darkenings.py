# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every way to darken gives the mean that is asked for, nothing brighter, and gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.darkenings import (  # noqa: E402
    METHODS,
    as_map,
    darken_by,
    night_exposure,
)


def frames(n: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    small = torch.rand(n, 3, 6, 8, generator=generator)
    return torch.nn.functional.interpolate(small, (48, 64), mode="bilinear") * 0.9 + 0.05


@pytest.mark.parametrize("name", METHODS)
def test_a_frame_gets_the_mean_that_is_asked_for(name):
    day, wanted = frames(), torch.tensor([0.02, 0.1, 0.3])
    made = darken_by(name)(day, wanted)
    assert torch.allclose(made.mean((1, 2, 3)), wanted, atol=2e-3)
    assert bool((made <= day + 1e-6).all())
    order = day[0, 0].flatten().argsort()
    assert bool((made[0, 0].flatten()[order].diff() >= -1e-6).all())  # no pixels change places


@pytest.mark.parametrize("name", METHODS)
def test_no_frame_gets_brighter(name):
    day = frames()
    assert torch.allclose(darken_by(name)(day, torch.tensor(0.95)), day, atol=2e-3)


@pytest.mark.parametrize("name", METHODS)
def test_gradients_reach_frames_and_exposure(name):
    day, level = frames().requires_grad_(True), torch.tensor([0.1, 0.2, 0.3], requires_grad=True)
    darken_by(name)(day, level).square().mean().backward()
    assert float(day.grad.abs().sum()) > 0
    if name == "brightness":  # of curves the bend is looked for, not derived
        assert float(level.grad.abs().sum()) > 0


def test_a_map_makes_light_uneven():
    day = torch.full((1, 3, 32, 32), 0.8)
    level = torch.full((1, 1, 32, 32), 0.1)
    level[..., 16:] = 0.3
    made = darken_by("gamma")(day, level)
    assert float(made.mean()) == pytest.approx(0.2, abs=0.01)
    assert float(made[..., 16:].mean() / made[..., :16].mean()) == pytest.approx(3.0, rel=0.01)


def test_night_exposure_is_uneven_by_pixel_and_by_patch():
    day = torch.zeros(8, 3, 128, 256)
    torch.manual_seed(0)
    exact = night_exposure(day, 0.2, noise=0.0)
    assert exact.shape == (8, 1, 128, 256)
    assert float(exact.min()) >= 0.0
    assert float(exact.max()) <= 0.2
    assert len(exact.mean((1, 2, 3)).unique()) == 8
    noisy = night_exposure(day, 0.0, noise=0.025)
    assert float(noisy.std()) == pytest.approx(0.03, abs=0.008)
    coarse = torch.nn.functional.avg_pool2d(noisy, 16)  # pixel noise is averaged out, 0.0016 left
    assert float(coarse.std()) > 0.008


def test_forms_of_exposure():
    day = frames()
    assert as_map(torch.tensor(0.1), day).shape == (3, 1, 1, 1)
    assert as_map(torch.tensor([0.1, 0.2, 0.3]), day).flatten().tolist() == pytest.approx(
        [0.1, 0.2, 0.3]
    )
    with pytest.raises(ValueError, match="exposure of shape"):
        as_map(torch.zeros(3, 48, 64), day)


def test_unknown_darkenings_are_refused():
    with pytest.raises(NightsegError, match="there are gamma, brightness, reciprocal, module"):
        darken_by("gama")
    with pytest.raises(NightsegError, match="needs its checkpoint"):
        darken_by("module")
