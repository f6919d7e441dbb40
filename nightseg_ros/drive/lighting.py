# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Lights the painted faces per pixel in linear light; adds haze, sky and glow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive import lamps as lamp_light
from nightseg_ros.drive.classes import BUILDING, ROAD
from nightseg_ros.drive.mesh import BRIGHTEST
from nightseg_ros.drive.planes import scale, tinted
from nightseg_ros.drive.sky import sun_direction
from nightseg_ros.drive.surface import Surface, grain

if TYPE_CHECKING:
    from nightseg_ros.drive.camera import Camera
    from nightseg_ros.drive.lamps import Lamp
    from nightseg_ros.drive.painter import Paint
    from nightseg_ros.drive.shadows import ShadowMap
    from nightseg_ros.drive.timeline import Moment

SKY_PAINT = 188
"""The sRGB grey under the sky, so that the soft edge of a roof blends with the light of the sky."""
HAZE = 420.0
TUNNEL_POWER = 0.10
HEADLIGHT_POWER = 5.0
_VALUES = np.arange(256, dtype=np.float32) / 255
LINEAR = np.where(_VALUES < 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
_GLOW = (_VALUES**2 * BRIGHTEST).astype(np.float32)


def shade(
    paint: Paint,
    surface: Surface,
    camera: Camera,
    moment: Moment,
    sky: NDArray,
    tiles: NDArray,
    tunnel: tuple[float, float],
    shadow: ShadowMap,
    lamps: Sequence[Lamp],
    wet: float,
) -> NDArray:
    """Return the (H, W, 3) linear radiance that reaches the camera."""
    daylight, tunnel_light = lamp_light.tunnel_masks(surface, tunnel)
    light = _outdoor(paint, surface, camera, moment, shadow, daylight)
    if tunnel_light.any():
        light += tinted(tunnel_light, TUNNEL_POWER * lamp_light.TUNNEL_LIGHT)
    lamp_light.add_lamps(light, lamps, surface, camera)
    if moment.headlights > 0:
        power = HEADLIGHT_POWER * moment.headlights
        light += tinted(lamp_light.headlights(surface, camera), power * lamp_light.XENON)
    albedo = cv2.LUT(np.ascontiguousarray(paint.color[..., :3]), LINEAR)
    scale(light, grain(surface, tiles))
    radiance = albedo * light
    _haze(radiance, surface, moment, daylight)
    open_sky = (paint.owner == 0).astype(np.uint8)
    cv2.copyTo(albedo * sky * np.float32(1 / LINEAR[SKY_PAINT]), open_sky, dst=radiance)
    glow = cv2.LUT(np.ascontiguousarray(paint.color[..., 3]), _GLOW)
    scale(albedo, glow)
    radiance += albedo
    if wet > 0:
        _mirror(radiance, paint, surface, camera, wet)
    return np.asarray(radiance)


def _outdoor(
    paint: Paint,
    surface: Surface,
    camera: Camera,
    moment: Moment,
    shadow: ShadowMap,
    daylight: NDArray,
) -> NDArray:
    """Return the (H, W, 3) light of sky and sun."""
    sun = camera.rotation @ sun_direction(moment)
    normal = paint.normal
    up = camera.rotation @ np.array([0, 1, 0], np.float32)
    # Half of the sky lights a wall; the ground reflects light from below.
    openness = (0.56 + 0.44 * (normal @ up)).astype(np.float32)
    slant = np.maximum(normal @ sun, 0).astype(np.float32)
    owner = surface.owner
    ground, houses, contact = shadow.at(surface.across, surface.along, surface.height)
    low = np.clip(1 - surface.height * 3, 0, 1)
    # A level face is on the ground or, like the roof of a car, too high for ground shadows.
    near_ground = np.take(surface.level.astype(np.float32), owner)
    near_ground *= surface.height < 0.3
    sunlit = houses + near_ground * (ground - houses)
    np.maximum(sunlit, np.take((paint.label == BUILDING).astype(np.float32), owner), out=sunlit)
    sunlit *= np.take(slant, owner) * daylight
    sky = np.take(openness, owner) * daylight
    upright = 1 - 0.3 * low
    sky *= upright + near_ground * (contact - upright)
    light = tinted(sky, moment.ambient)
    if moment.sun.any():
        # The ground reflects a tenth of its light.
        sunlit += daylight * np.float32(0.1 * max(0.0, np.sin(np.radians(moment.elevation))))
        light += tinted(sunlit, moment.sun)
    return light


def _haze(radiance: NDArray, surface: Surface, moment: Moment, daylight: NDArray) -> None:
    """Blend far things into the colour of the horizon."""
    veil = 1 - cv2.exp(surface.z * np.float32(-1 / HAZE))
    veil *= daylight
    scale(radiance, 1 - veil)
    radiance += tinted(veil, 0.75 * moment.horizon + 0.25 * moment.ambient)


def _mirror(radiance: NDArray, paint: Paint, surface: Surface, camera: Camera, wet: float) -> None:
    """Reflect what is above the horizon in a wet road, blurred vertically."""
    height, width = radiance.shape[:2]
    horizon = round(camera.horizon)
    depth = height - horizon
    if depth < 8:
        return
    upper = radiance[max(0, horizon - depth) : horizon][::-1]
    small = cv2.resize(
        np.minimum(upper, 8.0), (width // 4, max(2, len(upper) // 8)), interpolation=cv2.INTER_AREA
    )
    small = cv2.GaussianBlur(small, (0, 0), 0.8, sigmaY=2.6)
    mirrored = cv2.resize(small, (width, len(upper)), interpolation=cv2.INTER_LINEAR)
    rows = slice(horizon, horizon + len(mirrored))
    road = (np.take(paint.label == ROAD, surface.owner[rows])).astype(np.float32)
    grazing = np.clip(surface.z[rows] / 30, 0.12, 0.75)
    # The reflection ends at the edge of the image: fade it out towards it.
    grazing *= np.linspace(1.0, 0.0, len(mirrored), dtype=np.float32)[:, None]
    scale(mirrored, road * grazing * np.float32(0.4 * wet))
    radiance[rows] += mirrored
