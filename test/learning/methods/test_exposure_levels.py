# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A module that answers exposures steeply gives, once measured, what is asked for."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the training extra")

from nightseg_ros.learning.methods.darkening.exposure_levels import STEPS, find_levels  # noqa: E402
from nightseg_ros.learning.networks.darkening import Darkening, FixedExposure  # noqa: E402

TRAINED = (0.0, 0.5)


class Steep(torch.nn.Module):
    """An estimator of gammas by the shown level alone: dark up to 0.2, bright from 0.4 on."""

    def forward(self, images, exposure):
        return (10.0 * (0.3 - exposure)).expand(-1, 3, *images.shape[2:])


@pytest.fixture
def network() -> Darkening:
    found = Darkening("gamma")
    found.estimator = Steep()
    return found


@pytest.fixture
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (10, 32, 48, 3), dtype=torch.uint8, generator=generator)


def mean(frames: torch.Tensor) -> float:
    return float(frames.mean())


def test_what_comes_out_is_what_was_asked_for(network, images):
    frames = images.permute(0, 3, 1, 2).float() / 255
    assert mean(network(frames, torch.tensor(0.2))) != pytest.approx(0.2, abs=0.02)
    network.levels = find_levels(network, images, TRAINED)
    assert len(network.levels) == STEPS + 1
    assert bool((network.levels.diff() >= 0).all())
    for wanted in (0.1, 0.2, 0.4, 0.7):
        assert mean(network(frames, torch.tensor(wanted))) == pytest.approx(wanted, abs=0.01)
    fixed = FixedExposure(network, 0.2)
    assert mean((fixed(frames * 2 - 1) + 1) / 2) == pytest.approx(0.2, abs=0.01)


def test_what_is_out_of_reach_becomes_the_nearest(network, images):
    network.levels = find_levels(network, images, TRAINED)
    assert float(network.shown(torch.tensor(0.0))) == TRAINED[0]
    assert float(network.shown(torch.tensor(1.0))) == pytest.approx(TRAINED[1])


def test_maps_are_answered_pixel_by_pixel(network, images):
    frames = images.permute(0, 3, 1, 2).float() / 255
    network.levels = find_levels(network, images, TRAINED)
    wanted = torch.full((10, 1, 32, 48), 0.1)
    wanted[..., 24:] = 0.4
    made = network(frames, wanted)
    assert mean(made[..., :24]) == pytest.approx(0.1, abs=0.02)
    assert mean(made[..., 24:]) == pytest.approx(0.4, abs=0.02)


def test_frames_are_prepared_first(network, images):
    darker = find_levels(network, images, TRAINED, lambda frames: frames * 0.3)
    plain = find_levels(network, images, TRAINED)
    assert float(darker[STEPS // 5]) > float(plain[STEPS // 5])
