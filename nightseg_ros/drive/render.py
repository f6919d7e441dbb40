# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Renders the frames of a camera on a planned street, with the class of every pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive import lamps as lamp_light
from nightseg_ros.drive.camera import Camera
from nightseg_ros.drive.lamps import Lamp
from nightseg_ros.drive.lighting import LINEAR, SKY_PAINT, shade
from nightseg_ros.drive.mesh import Faces
from nightseg_ros.drive.painter import Paint, paint
from nightseg_ros.drive.scene import SPEED, VIEW, Scene, plan
from nightseg_ros.drive.sensor import Sensor
from nightseg_ros.drive.shadows import Caster, ShadowMap
from nightseg_ros.drive.sky import Sky, sun_direction
from nightseg_ros.drive.street import EGO_X
from nightseg_ros.drive.surface import depth, locate
from nightseg_ros.drive.texture import atlas
from nightseg_ros.drive.timeline import Moment, moment
from nightseg_ros.errors import NightsegError

CAMERA_HEIGHT = 1.45
LAMP_POWER = 46.0
SHOP_POWER = 1.5
SHORTEST = 260.0
"""The least metres of a drive, so that it includes day, tunnel, dusk and night."""


@dataclass(frozen=True)
class DriveFrame:
    """One frame of the drive."""

    image_bgr: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    """(H, W) Cityscapes train ids, 255 where there is none."""
    illumination_phase: str
    """day, dusk, night or tunnel."""
    stamp_s: float
    """Seconds since the first frame."""
    camera_info: dict[str, object]


@dataclass(frozen=True)
class Geometry:
    """Where everything in a frame is: no picture."""

    camera: Camera
    labels: NDArray[np.uint8]
    depth: NDArray[np.float32]
    """(H, W) metres along the axis of the camera."""


class Renderer:
    """A planned street and the camera on it."""

    def __init__(self, seed: int, frames: int, size: tuple[int, int], fps: float = 10.0) -> None:
        width, height = size
        if frames < 1 or fps <= 0:
            raise NightsegError(
                f"a drive of {frames} frames at {fps} per second; need at least 1 of both"
            )
        if not (64 <= width <= 3840 and 48 <= height <= 2160):
            raise NightsegError(
                f"a drive of {width}x{height} pixels; choose from 64x48 to 3840x2160"
            )
        self.size, self.frames, self.fps = size, frames, fps
        self.distance = max(SHORTEST, SPEED * frames / fps)
        self.scene: Scene = plan(seed, self.distance)
        rng = np.random.default_rng([seed, 1])
        self._sky = Sky(rng)
        self._tiles = atlas(rng)
        self._sensor = Sensor(size, rng)
        self._wet = float(rng.choice([0.0, 0.5, 1.0]))

    def frame(self, index: int) -> DriveFrame:
        """Render one frame; exposure depends on earlier frames, so render them in order."""
        progress, s, now = self._when(index)
        seconds = s / SPEED
        camera = self._camera(s, seconds)
        painted = self._paint(camera, s, seconds, now)
        surface = locate(painted, camera, self.scene.street, EGO_X, s)
        radiance = shade(
            painted,
            surface,
            camera,
            now,
            self._sky.draw(camera, now, seconds),
            self._tiles,
            self.scene.layout.tunnel,
            self._shadows(s, seconds, now),
            self._lamps(camera, s, seconds, now),
            self._wet * float(np.clip((progress - 0.45) * 6, 0, 1)),
        )
        step = self.distance / max(1, self.frames)
        image = self._sensor.expose(
            radiance,
            surface.z,
            rate=1 - float(np.exp(-step / SPEED / 0.35)),
            blur=0.012 if now.phase in ("night", "tunnel") else 0.003,
            centre=camera.centre,
        )
        return DriveFrame(
            image_bgr=np.ascontiguousarray(image[..., ::-1]),
            labels=painted.labels(),
            illumination_phase=now.phase,
            stamp_s=index / self.fps,
            camera_info=camera.info(),
        )

    def geometry(self, index: int, pitch: float = 0.0, roll: float = 0.0) -> Geometry:
        """Locate what is in a frame, with the camera turned by more pitch and roll, in radians."""
        _, s, now = self._when(index)
        camera = self._camera(s, s / SPEED)
        camera = replace(camera, pitch=camera.pitch + pitch, roll=roll)
        painted = self._paint(camera, s, s / SPEED, now)
        return Geometry(camera, painted.labels(), depth(painted, camera))

    def _when(self, index: int) -> tuple[float, float, Moment]:
        """Return the progress of a frame, its metres along the street, and its light."""
        progress = index / max(1, self.frames - 1)
        s = progress * self.distance
        begin, end = self.scene.layout.tunnel
        return progress, s, moment(progress, in_tunnel=begin < s < end)

    def _camera(self, s: float, seconds: float) -> Camera:
        sway = 0.012 * np.sin(1.9 * seconds) + 0.006 * np.sin(5.3 * seconds)
        at = np.array([[EGO_X, CAMERA_HEIGHT + sway, s]])
        nod = 0.018 + 0.0022 * np.sin(2.3 * seconds) + 0.0012 * np.sin(7.1 * seconds)
        heading = self.scene.street.heading(s + 2.0)
        return Camera(self.size, self.scene.street.to_world(at)[0], heading, float(nod))

    def _paint(self, camera: Camera, s: float, seconds: float, now: Moment) -> Paint:
        levels = np.array([0, now.lamps, now.windows, now.headlights, 1], np.float32)
        ground, marks, things = (
            backdrop.between(s + behind, s, s + VIEW)
            for backdrop, behind in zip(self.scene.backdrops, (-6.0, -6.0, -0.5), strict=True)
        )
        plain = (self.scene.plain, self.scene.street.to_world(self.scene.plain.points))
        parts = [plain, ground, marks, things]
        for mover in self.scene.movers:
            if -8 < mover.place(seconds)[1] - s < 150:
                faces = mover.pose(seconds)
                parts.append((faces, self.scene.street.to_world(faces.points)))
        everything = Faces.joined([faces for faces, _ in parts])
        under = sum(len(faces.key) for faces, _ in parts[:3])
        order = np.argsort(-everything.key[under:], kind="stable") + under
        order = np.concatenate([np.arange(under), order])
        world = np.concatenate([world for _, world in parts])
        return paint(everything, world, order, levels, camera, SKY_PAINT)

    def _shadows(self, s: float, seconds: float, now: Moment) -> ShadowMap:
        casters = list(self.scene.casters)
        for mover in self.scene.movers:
            x, at = mover.place(seconds)
            if -10 < at - s < 80:
                casters.append(Caster(x, at, mover.half, (0, mover.height), touches=True))
        heading = self.scene.street.heading(s)
        sun = sun_direction(now)
        sin, cos = np.sin(heading), np.cos(heading)
        in_street = np.array([cos * sun[0] - sin * sun[2], sun[1], sin * sun[0] + cos * sun[2]])
        return ShadowMap(casters, s, in_street)

    def _lamps(self, camera: Camera, s: float, seconds: float, now: Moment) -> list[Lamp]:
        found = []
        down = camera.rotation @ np.array([0, -1, 0], np.float32)
        street = self.scene.street
        if now.lamps > 0:
            near = (self.scene.lamps[:, 2] > s - 16) & (self.scene.lamps[:, 2] < s + 110)
            places = camera.to_camera(street.to_world(self.scene.lamps[near]))
            found += [
                Lamp(place, down, lamp_light.SODIUM, LAMP_POWER * now.lamps, 0.0, 21.0)
                for place in places
            ]
        if now.windows > 0.5:
            for x, y, at, color in self.scene.shops:
                if -4 < at - s < 45:
                    ends = np.array([[x, y, at], [0, y, at]], np.float32)
                    place, aim = camera.to_camera(street.to_world(ends))
                    aim = (aim - place) / np.linalg.norm(aim - place)
                    tint = LINEAR[list(color)]
                    found.append(Lamp(place, aim, tint, SHOP_POWER * now.windows, 0.0, 8.0))
        if now.headlights > 0:
            for mover in self.scene.movers:
                x, at = mover.place(seconds)
                if not (mover.lights and -4 < at - s < 70):
                    continue
                sign = -1 if mover.turned else 1
                front, far, back = at + 2.3 * sign, at + 9 * sign, at - 2.5 * sign
                ends = np.array([[x, 0.7, front], [x, 0.7, far], [x, 0.75, back]], np.float32)
                nose, ahead, tail = camera.to_camera(street.to_world(ends))
                aim = ahead - nose
                aim /= np.linalg.norm(aim)
                found.append(Lamp(nose, aim, lamp_light.XENON, 9.0 * now.headlights, 0.72, 18.0))
                found.append(Lamp(tail, -aim, lamp_light.RED, 0.35 * now.headlights, 0.0, 5.0))
        return found
