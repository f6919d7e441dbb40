# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG that stretches with the page: axes and shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from nightseg_ros.report.render import macro

SIDE = 1000
"""Width and height of every drawing in its own units; the page decides the pixels."""
TICKS = 4
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


def value_axis(top: float) -> Axis:
    """Return an axis from 0 to a round number that is not less than `top`.

    >>> value_axis(37.0).ticks
    ((0.0, '0'), (10.0, '10'), (20.0, '20'), (30.0, '30'), (40.0, '40'))
    """
    step = _round_up(max(top, 1e-6) / TICKS)
    count = max(1, math.ceil(top / step - 1e-9))
    places = [i * step for i in range(count + 1)]
    return Axis(0.0, count * step, tuple((at, f"{at:.6g}") for at in places))


SHARE = Axis(0.0, 1.0, ((0.0, "0"), (0.5, "0.5"), (1.0, "1")))


def plot(
    title: str,
    x: Axis,
    y: Axis,
    layers: Sequence[Markup],
    *,
    height: int = 150,
    keys: Mapping[str, str] | None = None,
    note: str = "",
    below: str | Markup = "",
    cursor: bool = True,
) -> Markup:
    """Return a chart; `below` is a `band` between the drawing and its x axis.

    The cursor is where the frame of the strip lies; only for axes from first to last frame.
    """
    shapes = [*(_rule(y, at, "tick") for at, _ in y.ticks if at > y.low), *layers]
    return macro(
        "charts.html", "plot", title, x, y, shapes, height, keys or {}, note, below, cursor
    )


def drawing(title: str, shapes: Sequence[Markup]) -> Markup:
    """Return an SVG that fills the box it stands in."""
    return macro("charts.html", "drawing", title, shapes)


def line(points: Line, x: Axis, y: Axis, color: str, width: float = 1.6) -> Markup:
    """Return a line."""
    if len(points) == 1:  # a line of one point would be nothing
        points = [points[0], (points[0][0] + (x.high - x.low) / 200, points[0][1])]
    return Markup(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="{:g}" '
        'stroke-linejoin="round"/>'
    ).format(_path(points, x, y), color, width)


def dots(points: Line, x: Axis, y: Axis, color: str) -> Markup:
    """Return dots; they are lines of no length, which stay round however the drawing stretches."""
    path = "".join(
        f"M{SIDE * x.share(at):.1f} {SIDE * (1 - y.share(value)):.1f}h0" for at, value in points
    )
    return Markup(
        '<path d="{}" fill="none" stroke="{}" stroke-width="6" stroke-linecap="round" '
        'stroke-opacity=".7"/>'
    ).format(path, color)


def area(lower: Line, upper: Line, x: Axis, y: Axis, color: str) -> Markup:
    """Return what lies between two lines."""
    path = _path([*upper, *reversed(lower)], x, y)
    return Markup('<polygon points="{}" fill="{}"/>').format(path, color)


def mark(y: Axis, value: float) -> Markup:
    """Return a dashed line at a value."""
    return _rule(y, value, "mark")


def band(runs: Sequence[tuple[float, float, str]], x: Axis, title: str) -> Markup:
    """Return a bar of coloured stretches: (from, to, CSS colour)."""
    shapes = []
    for color, stretches in groupby(runs, key=lambda run: run[2]):
        (start, *_), (_, end, _) = (together := list(stretches))[0], together[-1]
        shapes.append(stretch(start, end, x, color))
    return drawing(title, shapes)


def stretch(start: float, end: float, x: Axis, color: str) -> Markup:
    """Return a bar as high as the drawing."""
    left, right = SIDE * x.share(start), SIDE * x.share(end)
    return Markup('<rect x="{:.1f}" y="0" width="{:.1f}" height="{}" fill="{}"/>').format(
        left, max(1.0, right - left), SIDE, color
    )


def bars(edges: Sequence[float], counts: Sequence[float], x: Axis, color: str) -> Markup:
    """Return the outline of a histogram, filled; the highest bar reaches the top."""
    upper = [
        point
        for left, right, count in zip(edges, edges[1:], counts, strict=False)
        for point in ((left, count), (right, count))
    ]
    y = Axis(0.0, max(counts, default=0) or 1)
    return area([(edges[0], 0.0), (edges[-1], 0.0)], upper, x, y, color)


def vertical(x: Axis, value: float, color: str, tall: float = 1.0) -> Markup:
    """Return a line from the bottom to the top, or up to a share of the height."""
    return Markup('<line x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2}" stroke="{3}"/>').format(
        SIDE * x.share(value), SIDE * (1 - tall), SIDE, color
    )


def spread(
    rows: Mapping[str, Sequence[Markup]], x: Axis, *, title: str = "", height: int = 34
) -> Markup:
    """Return rows of drawings over one x axis; name -> shapes."""
    return macro("charts.html", "spread", rows, x, title, height)


def _rule(y: Axis, value: float, kind: str) -> Markup:
    return Markup('<line class="{0}" x1="0" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>').format(
        kind, SIDE, SIDE * (1 - y.share(value))
    )


def _path(points: Line, x: Axis, y: Axis) -> str:
    return " ".join(
        f"{SIDE * x.share(at):.1f},{SIDE * (1 - y.share(value)):.1f}" for at, value in points
    )


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 2.5, 5, 10, 20, ... that is not less than the value.

    >>> _round_up(37.0), _round_up(0.3)
    (50.0, 0.5)
    """
    scale: float = 10.0 ** math.floor(math.log10(value))
    return next(
        round(first * scale, 9) for first in (1, 2, 2.5, 5, 10) if first * scale >= value - 1e-12
    )
