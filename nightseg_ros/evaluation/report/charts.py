# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG that stretches with the page, with HTML for all that is to be read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightseg_ros.evaluation.report.page import keys as legend
from nightseg_ros.evaluation.report.page import text

SIDE = 1000
"""Width and height of every drawing in its own units; the page decides the pixels."""
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600)

Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """From where to where, and the places to name."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()

    def share(self, value: float) -> float:
        """Return where a value lies, 0 to 1."""
        return min(1.0, max(0.0, (value - self.low) / ((self.high - self.low) or 1.0)))


def time_axis(seconds: float) -> Axis:
    """Return the axis of a recording of this length.

    >>> [name for _, name in time_axis(125.0).ticks]
    ['0:00', '0:30', '1:00', '1:30', '2:00']
    """
    seconds = max(seconds, 1e-3)
    step = next((s for s in _STEPS_S if seconds / s <= 6), max(_STEPS_S[-1], seconds / 6))
    places = [i * step for i in range(int(seconds / step) + 1)]
    return Axis(0.0, seconds, tuple((at, clock(at, seconds)) for at in places))


def clock(at: float, whole: float = 0.0) -> str:
    """Return a time in the unit that suits a recording of `whole` seconds.

    >>> clock(7.5, 60), clock(75, 600), clock(3725, 7200)
    ('7.5 s', '1:15', '1:02:05')
    """
    if max(at, whole) < 120:
        return f"{at:.3g} s"
    minutes, second = divmod(round(at), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"


def value_axis(top: float, *, unit: str = "", ticks: int = 4) -> Axis:
    """Return an axis from 0 to a round number that is not less than `top`.

    >>> value_axis(37.0).ticks
    ((0.0, '0'), (10.0, '10'), (20.0, '20'), (30.0, '30'), (40.0, '40'))
    """
    step = _round_up(max(top, 1e-6) / ticks)
    count = max(1, math.ceil(top / step - 1e-9))
    places = [i * step for i in range(count + 1)]
    return Axis(0.0, count * step, tuple((at, f"{at:.6g}{unit}") for at in places))


SHARE = Axis(0.0, 1.0, ((0.0, "0"), (0.5, "0.5"), (1.0, "1")))


def plot(
    title: str,
    x: Axis,
    y: Axis,
    layers: Sequence[str],
    *,
    height: int = 150,
    keys: Mapping[str, str] | None = None,
    note: str = "",
    below: str = "",
    cursor: bool = True,
) -> str:
    """Return a chart; `below` is a `band` between the drawing and its x axis.

    The cursor is where the frame of the strip lies; only for axes from first to last frame.
    """
    grid = "".join(_rule(y, at, "tick") for at, _ in y.ticks if at > y.low)
    names = "".join(
        f'<span style="bottom:{100 * y.share(at):.2f}%">{text(name)}</span>' for at, name in y.ticks
    )
    head = f"<h4>{text(title)}{f' <span>{text(note)}</span>' if note else ''}</h4>" if title else ""
    now = '<i class="now"></i>' if cursor else ""
    under = (
        f'</div><div class="frame slim"><div class="ys"></div>'
        f'<div class="area" style="--h:12px;margin-top:5px">{below}</div>'
        if below
        else ""
    )
    return (
        f'<figure class="plot">{head}{legend(keys) if keys else ""}'
        f'<div class="frame"><div class="ys">{names}</div>'
        f'<div class="area" style="--h:{height}px">{drawing(title, grid + "".join(layers))}'
        f'{now}</div>{under}<div class="xs">{_x_names(x)}</div></div></figure>'
    )


def drawing(title: str, content: str) -> str:
    """Return an SVG that fills the box it stands in."""
    return (
        f'<svg viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" role="img" '
        f'aria-label="{text(title)}">{content}</svg>'
    )


def line(points: Line, x: Axis, y: Axis, color: str, width: float = 1.6) -> str:
    """Return a line."""
    if not points:
        return ""
    if len(points) == 1:  # a line of one point would be nothing
        points = [points[0], (points[0][0] + (x.high - x.low) / 200, points[0][1])]
    return (
        f'<polyline points="{_path(points, x, y)}" fill="none" stroke="{color}" '
        f'stroke-width="{width:g}" stroke-linejoin="round"/>'
    )


def dots(points: Line, x: Axis, y: Axis, color: str) -> str:
    """Return dots; they are lines of no length, which stay round however the drawing stretches."""
    path = "".join(
        f"M{SIDE * x.share(at):.1f} {SIDE * (1 - y.share(value)):.1f}h0" for at, value in points
    )
    return (
        f'<path d="{path}" fill="none" stroke="{color}" stroke-width="6" stroke-linecap="round" '
        'stroke-opacity=".7"/>'
    )


def area(lower: Line, upper: Line, x: Axis, y: Axis, color: str) -> str:
    """Return what lies between two lines."""
    if not upper:
        return ""
    return f'<polygon points="{_path([*upper, *reversed(lower)], x, y)}" fill="{color}"/>'


def mark(y: Axis, value: float) -> str:
    """Return a dashed line at a value."""
    return _rule(y, value, "mark")


def band(runs: Sequence[tuple[float, float, str]], x: Axis, title: str) -> str:
    """Return a bar of coloured stretches: (from, to, CSS colour)."""
    joined: list[tuple[float, float, str]] = []
    for start, end, color in runs:
        if joined and joined[-1][2] == color:
            joined[-1] = (joined[-1][0], end, color)
        else:
            joined.append((start, end, color))
    parts = []
    for start, end, color in joined:
        left, right = SIDE * x.share(start), SIDE * x.share(end)
        parts.append(
            f'<rect x="{left:.1f}" y="0" width="{max(1.0, right - left):.1f}" height="{SIDE}" '
            f'fill="{color}"/>'
        )
    return drawing(title, "".join(parts))


def bars(edges: Sequence[float], counts: Sequence[float], x: Axis, color: str) -> str:
    """Return the outline of a histogram, filled; the highest bar reaches the top."""
    highest = max(counts, default=0) or 1
    y = Axis(0.0, highest)
    points = [(edges[0], 0.0)]
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        points += [(left, count), (right, count)]
    points.append((edges[-1], 0.0))
    return f'<polygon points="{_path(points, x, y)}" fill="{color}"/>'


def upright(x: Axis, value: float, color: str, tall: float = 1.0) -> str:
    """Return a line from the bottom to the top, or up to a share of the height."""
    at, top = SIDE * x.share(value), SIDE * (1 - tall)
    return f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top:.0f}" y2="{SIDE}" stroke="{color}"/>'


def spread(rows: Mapping[str, str], x: Axis, *, title: str = "", height: int = 34) -> str:
    """Return rows of drawings over one x axis; name -> content."""
    frames = "".join(
        f'<div class="frame"><div class="name">{text(name)}</div>'
        f'<div class="area" style="--h:{height}px">{drawing(name, content)}</div></div>'
        for name, content in rows.items()
    )
    return (
        f'<figure class="plot spread"><h4>{text(title)}</h4>{frames}'
        f'<div class="frame"><div class="xs">{_x_names(x)}</div></div></figure>'
    )


def _rule(y: Axis, value: float, kind: str) -> str:
    at = SIDE * (1 - y.share(value))
    return f'<line class="{kind}" x1="0" x2="{SIDE}" y1="{at:.1f}" y2="{at:.1f}"/>'


def _path(points: Line, x: Axis, y: Axis) -> str:
    return " ".join(
        f"{SIDE * x.share(at):.1f},{SIDE * (1 - y.share(value)):.1f}" for at, value in points
    )


def _x_names(x: Axis) -> str:
    parts = []
    for at, name in x.ticks:
        share = x.share(at)
        kind = "first" if share < 0.02 else "last" if share > 0.96 else ""
        parts.append(f'<span class="{kind}" style="left:{100 * share:.2f}%">{text(name)}</span>')
    return "".join(parts)


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 2.5, 5, 10, 20, ... that is not less than the value.

    >>> _round_up(37.0), _round_up(0.3)
    (50.0, 0.5)
    """
    scale: float = 10.0 ** math.floor(math.log10(value))
    return next(
        round(first * scale, 9) for first in (1, 2, 2.5, 5, 10) if first * scale >= value - 1e-12
    )
