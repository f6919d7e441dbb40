# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The losses of curves, on images whose losses are known without them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.methods.darkening import losses  # noqa: E402


def test_similarity_sees_direction_and_not_length():
    a = torch.randn(2, 8, 4, 4)
    assert float(losses.similarity([a, a], [3 * a, a])) == pytest.approx(1.0, abs=1e-5)
    assert float(losses.similarity([a, a], [3 * a, -a])) == pytest.approx(0.0, abs=1e-5)


def test_exposure_is_that_of_grey_patches():
    image = torch.zeros(1, 3, 4, 4)
    image[:, 0] = 0.6  # grey 0.2
    level = torch.tensor(0.3).view(1, 1, 1, 1)
    assert float(losses.exposure_distance(image, level)) == pytest.approx(0.01)
    checks = torch.zeros(1, 3, 4, 4)
    checks[..., ::2] = 0.6
    assert float(losses.exposure_distance(checks, level)) == pytest.approx(0.09)
    assert float(losses.exposure_distance(checks, level, patch=2)) == pytest.approx(0, abs=1e-9)
    assert float(losses.exposure_distance(checks, torch.full((1, 1, 4, 4), 0.3), 2)) < 1e-9


def test_colours_are_to_have_one_mean():
    grey = torch.rand(2, 1, 8, 8).expand(2, 3, 8, 8).clone().requires_grad_(True)
    loss = losses.colour_constancy(grey)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.0, abs=2e-6)
    assert bool(grey.grad.isfinite().all())
    red = torch.zeros(1, 3, 2, 2)
    red[:, 0] = 0.5
    assert float(losses.colour_constancy(red)) == pytest.approx(0.25 * 2**0.5)


@pytest.mark.parametrize(("step", "cost"), [(0.0, 0.0), (0.02, 0.02), (0.03, 0.01), (0.5, 0.0)])
def test_large_steps_of_curves_are_free(step, cost):
    ramp = step * torch.arange(5).float().view(1, 1, 1, 5).expand(1, 3, 6, 5)
    assert float(losses.loose_variation(ramp, 0.02)) == pytest.approx(6 * cost**2, abs=1e-7)
    assert float(losses.variation(ramp)) == pytest.approx(6 * step**2, rel=1e-4)


def test_flexibility_is_how_far_scales_are_below_one():
    assert float(losses.flexibility(torch.tensor([0.95, 1.0]))) == pytest.approx(0.025)


def test_spatial_change_keeps_contrast_and_not_brightness():
    image = torch.rand(1, 3, 16, 16) * 0.4
    assert float(losses.spatial_change(image + 0.3, image)) == pytest.approx(0, abs=1e-8)
    assert float(losses.spatial_change(image * 0.2, image)) > 1e-4
