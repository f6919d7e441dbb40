# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The common parts of motor vehicles: a body from a side profile, wheels, and lights."""

from __future__ import annotations

from typing import Any

from nightseg_ros.drive.mesh import Color, Mesh, Point, Switch, disc, front

RUBBER: Color = (22, 22, 24)
TAIL: Color = (214, 32, 22)
HEAD: Color = (255, 244, 222)


def shade(color: Color, factor: float) -> Color:
    """Return a lighter or darker colour."""
    red, green, blue = (min(255, round(channel * factor)) for channel in color)
    return red, green, blue


def hull(
    mesh: Mesh,
    profile: list[tuple[float, float]],
    half: float,
    color: Color,
    label: int,
    inset: float = 0.0,
) -> None:
    """Add a body with this side profile of (s, y), 2 * half wide, narrower by inset at the top."""
    middle = (0.0, 0.5 * (profile[0][1] + max(y for _, y in profile)), 0.0)
    top, low = max(y for _, y in profile), min(y for _, y in profile)

    def width(y: float) -> float:
        return half - inset * (y - low) / max(top - low, 1e-6)

    for (s0, y0), (s1, y1) in zip(profile, profile[1:] + profile[:1], strict=True):
        strip: list[Point] = [
            (-width(y0), y0, s0),
            (width(y0), y0, s0),
            (width(y1), y1, s1),
            (-width(y1), y1, s1),
        ]
        mesh.add(strip, color, label, away=middle)
    for sign in (-1, 1):
        mesh.add([(sign * width(y), y, s) for s, y in profile], color, label, away=middle)


def wheels(mesh: Mesh, half: float, axles: tuple[float, ...], radius: float, label: int) -> None:
    """Add tyres and rims on both sides."""
    for s in axles:
        for x in (-half, half):
            for r, color, decal in ((radius, RUBBER, False), (0.6 * radius, (120, 122, 126), True)):
                rim = [(x * 1.005, radius + b, s + a) for a, b, _ in disc(0, 0, 0, r, 12)]
                mesh.add(rim, color, label, decal=decal, away=(0, radius, s), reach=60)


def treads(mesh: Mesh, half: float, axles: tuple[float, ...], radius: float, label: int) -> None:
    """Add the visible part of the tyres under the body, which is painted over them."""
    for s in axles:
        tread = front((half - 0.18, half), (0, 0.22), s - 0.4 * radius)
        for corners in (tread, [(-x, y, s) for x, y, s in tread]):
            mesh.add(corners, RUBBER, label, reach=60)


def lights(mesh: Mesh, half: float, rear: float, nose: float, height: float, label: int) -> None:
    """Add tail lights, head lights and the number plate on the vertical ends."""
    away = (0.0, height, 0.0)
    band = (height - 0.08, height + 0.08)
    lamp: dict[str, Any] = {"away": away, "switch": Switch.VEHICLE}
    for sign in (-1, 1):
        across = (sign * (half - 0.42), sign * (half - 0.05))
        mesh.decal(front(across, band, rear - 0.012), TAIL, label, glow=0.26, **lamp)
        mesh.decal(front(across, band, nose + 0.012), HEAD, label, glow=1.0, **lamp)
    plate = front((-0.26, 0.26), (height - 0.2, height - 0.08), rear - 0.012)
    mesh.decal(plate, (214, 214, 206), label, glow=0.05, reach=50, **lamp)
