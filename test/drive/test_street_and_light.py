# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pieces below the renderer: street coordinates, the hours, shadows, exposure."""

from __future__ import annotations

import numpy as np
import pytest

from nightseg_ros.drive.scene import plan
from nightseg_ros.drive.sensor import Sensor
from nightseg_ros.drive.shadows import Caster, ShadowMap
from nightseg_ros.drive.street import Street
from nightseg_ros.drive.timeline import moment

FAR = np.full((96, 160), 100.0, np.float32)


def test_street_keeps_distances_along_and_across():
    street = Street(400, np.random.default_rng(3))
    s = np.arange(0, 400, 1.0)
    centre = street.to_world(np.stack([0 * s, 0 * s, s], 1))
    assert np.allclose(np.linalg.norm(np.diff(centre, axis=0), axis=1), 1.0, atol=1e-2)
    right = street.to_world(np.stack([0 * s + 5, 0 * s, s], 1))
    assert np.allclose(np.linalg.norm(right - centre, axis=1), 5.0, atol=1e-3)
    assert np.ptp(centre[:, 0]) > 1.0  # it does curve


def test_nothing_is_built_into_tunnel_or_side_streets():
    scene = plan(4, 300.0)
    begin, end = scene.layout.tunnel
    houses = [caster for caster in scene.casters if caster.house]
    assert len(houses) > 10
    for house in houses:
        low, high = house.s - house.half[1], house.s + house.half[1]
        assert high <= begin or low >= end
        assert all(high <= a or low >= b for a, b in scene.layout.crossings)


def test_hours_follow_progress():
    lights = [moment(p, in_tunnel=False).phase for p in (0.0, 0.2, 0.65, 1.0)]
    assert lights == ["day", "day", "dusk", "night"]
    assert moment(0.0, in_tunnel=True).phase == "tunnel"
    assert moment(0.0, in_tunnel=False).lamps == 0
    assert moment(1.0, in_tunnel=False).lamps == 1
    assert moment(0.0, in_tunnel=True).headlights > 0.5


def test_shadow_falls_away_from_the_sun_and_contact_stays_at_night():
    car = Caster(0.0, 20.0, (1.0, 2.0), (0.0, 2.0), touches=True)
    sun = np.array([-0.7, 0.7, 0.0])  # from the left, 45 degrees high: 2 m of shadow to the right
    across = np.array([[0.0, 2.0, -2.5, 5.0]], np.float32)
    along, height = np.full_like(across, 20.0), np.zeros_like(across)
    ground, _, sky = ShadowMap([car], 10.0, sun).at(across, along, height)
    assert ground[0, 1] < 0.2
    assert ground[0, 2] > 0.9
    assert ground[0, 3] > 0.9
    assert sky[0, 0] < 0.5 < sky[0, 3]
    ground, _, sky = ShadowMap([car], 10.0, np.array([0, -0.5, 0.8])).at(across, along, height)
    assert ground.min() > 0.99
    assert sky[0, 0] < 0.5


def test_exposure_follows_the_light_slowly_and_noise_grows_in_the_dark():
    def sensor() -> Sensor:
        return Sensor((160, 96), np.random.default_rng(0))

    def shot(camera: Sensor, level: float, rate: float = 1.0) -> np.ndarray:
        radiance = np.full((96, 160, 3), level, np.float32)
        return camera.expose(radiance, FAR, rate=rate, blur=0.0, centre=(80.0, 48.0))[24:72, 40:120]

    bright, dark = shot(sensor(), 1.0), shot(sensor(), 0.01)
    assert bright.mean() > dark.mean() + 20
    assert dark.std() / dark.mean() > 3 * bright.std() / bright.mean()
    camera = sensor()
    settled = shot(camera, 1.0).mean()
    glared = shot(camera, 4.0, rate=0.3).mean()
    for _ in range(20):
        later = shot(camera, 4.0, rate=0.3).mean()
    assert settled < later < glared


def test_glare_spills_from_a_lamp():
    radiance = np.full((96, 160, 3), 0.02, np.float32)
    radiance[48, 80] = 50.0
    camera = Sensor((160, 96), np.random.default_rng(0))
    image = camera.expose(radiance, FAR, rate=1.0, blur=0.0, centre=(80.0, 48.0)).mean(axis=2)
    assert image[46:51, 78:83].mean() > image[5:15, 5:15].mean() + 40


@pytest.mark.parametrize("seed", [1, 2])
def test_everybody_keeps_out_of_the_cameras_way(seed: int):
    scene = plan(seed, 260.0)
    for seconds in np.arange(0, 23.6, 0.5):
        for mover in scene.movers:
            x, s = mover.place(float(seconds))
            ahead = s - 11.0 * seconds
            hit = abs(x - 1.7) < 0.9 + mover.half[0] and -5 < ahead < 3 + mover.half[1]
            assert not hit, (x, ahead, seconds)


def test_only_near_things_are_blurred_by_motion():
    radiance = np.full((96, 160, 3), 0.4, np.float32)
    radiance[:, ::8] = 0.8

    def contrast(depth: float) -> float:
        camera = Sensor((160, 96), np.random.default_rng(0))
        plane = np.full((96, 160), depth, np.float32)
        image = camera.expose(radiance, plane, rate=1.0, blur=0.03, centre=(80.0, 48.0))
        return float(image[:, :20].astype(float).std())

    assert contrast(5.0) < 0.8 * contrast(500.0)
