# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two charts of the demo's report as inline SVG, coloured by the page's style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

Frame = Mapping[str, Any]
WIDTH, LEFT, RIGHT = 820.0, 44.0, 10.0


def _at(frames: Sequence[Frame]) -> list[float]:
    """Return the x of every frame, one more for the end."""
    step = (WIDTH - LEFT - RIGHT) / max(1, len(frames))
    return [LEFT + step * index for index in range(len(frames) + 1)]


def _runs(frames: Sequence[Frame], key: str) -> list[tuple[Any, int, int]]:
    """Return (value, first, end) of every stretch of frames with the same value."""
    runs, start = [], 0
    for value, members in groupby(frames, key=lambda frame: frame[key]):
        end = start + len(list(members))
        runs.append((value, start, end))
        start = end
    return runs


def _line(points: Sequence[tuple[float, float]], color: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'


def light_chart(frames: Sequence[Frame]) -> str:
    """Return illumination over the drive, the light behind it, and the route below it."""
    top, bottom, band = 22.0, 182.0, 196.0
    xs = _at(frames)
    parts = []
    for light, first, end in _runs(frames, "light"):
        x, width = xs[first], xs[end] - xs[first]
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{bottom - top}" '
            f'style="fill:var(--tint-{light},transparent)"/>'
        )
        if width > 42:  # a word wider than its stretch would run into the next
            parts.append(f'<text x="{x + 6:.1f}" y="{top - 7}">{light}</text>')
    for level in (0.0, 0.5, 1.0):
        y = bottom - level * (bottom - top)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" style="stroke:var(--line)"/>'
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{level:g}</text>'
        )
    points = [
        (x, bottom - frame["illumination"] * (bottom - top))
        for x, frame in zip(xs, frames, strict=False)
        if frame["illumination"] is not None
    ]
    parts.append(_line(points, "var(--accent)"))
    answered = [(x, frame) for x, frame in zip(xs, frames, strict=False) if frame["route"]]
    step = xs[1] - xs[0] if len(xs) > 1 else 1.0
    for x, frame in answered:
        parts.append(
            f'<rect x="{x:.1f}" y="{band}" width="{step + 0.3:.1f}" height="16" '
            f'style="fill:var(--{frame["route"]})"/>'
        )
    parts.append(f'<text x="{LEFT - 8}" y="{band + 12}" text-anchor="end">route</text>')
    return _svg(220, "illumination and route over the drive", parts)


def latency_chart(frames: Sequence[Frame]) -> str:
    """Return the latency of every mask; frames without a mask leave a gap."""
    top, bottom = 10.0, 150.0
    values = [frame["latency_ms"] for frame in frames if frame["latency_ms"] is not None]
    highest = _round_up(max(values, default=1.0))
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - top)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" style="stroke:var(--line)"/>'
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{share * highest:g}</text>'
        )
    step = (WIDTH - LEFT - RIGHT) / max(1, len(frames))
    for x, frame in zip(_at(frames), frames, strict=False):
        if frame["latency_ms"] is not None:
            tall = frame["latency_ms"] / highest * (bottom - top)
            parts.append(
                f'<rect x="{x:.1f}" y="{bottom - tall:.1f}" width="{max(1.0, 0.7 * step):.1f}" '
                f'height="{tall:.1f}" style="fill:var(--{frame["route"] or "accent"})"/>'
            )
    return _svg(164, "latency of every mask in milliseconds", parts)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ... that is not less than the value.

    >>> _round_up(37.0), _round_up(0.3)
    (50.0, 0.5)
    """
    scale = 1e-3
    while True:
        for first in (1.0, 2.0, 5.0):
            if first * scale >= value:
                return round(first * scale, 6)
        scale *= 10


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height}" role="img"><title>{title}</title>'
        + "".join(parts)
        + "</svg>"
    )
