# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The page that the demo ends with: one HTML file without scripts or links, light and dark."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.evaluation.demo_charts import latency_chart, light_chart
from nightseg_ros.labels import LabelSet
from nightseg_ros.perception.overlay import colorize

STRIP = 12
"""Frames that are shown, spread evenly over the drive."""
THUMBNAIL = 480
"""Pixels across."""

STYLE = """
:root { color-scheme: light dark; --bg:#f6f7f9; --card:#fff; --ink:#1c2430; --dim:#667085;
  --line:#e3e7ee; --day:#f2b632; --night:#4c63d2; --translate:#2aa58a; --accent:#c2255c;
  --tint-day:#fff3cf; --tint-tunnel:#e2dfd8; --tint-dusk:#f8dfd3; --tint-night:#dfe3f5; }
@media (prefers-color-scheme: dark) { :root { --bg:#12151b; --card:#1b2029; --ink:#e6eaf2;
  --dim:#97a1b3; --line:#2b323f; --accent:#ff8fb8; --tint-day:#4a4023; --tint-tunnel:#33312d;
  --tint-dusk:#4a2f2a; --tint-night:#222a4a; } }
* { box-sizing: border-box }
body { margin:0; background:var(--bg); color:var(--ink); font:16px/1.5 system-ui,sans-serif }
main { max-width:1120px; margin:0 auto; padding:28px 18px 60px }
h1 { font-size:1.7rem; line-height:1.2; margin:0 0 4px } h2 { font-size:1.1rem; margin:34px 0 10px }
p { margin:0 0 10px } .dim { color:var(--dim) } small { font-size:.82rem }
.warn { background:var(--tint-dusk); border-radius:10px; padding:10px 14px; margin:16px 0 }
.cards { display:grid; gap:12px; margin-top:18px;
  grid-template-columns:repeat(auto-fit,minmax(150px,1fr)) }
.card,figure,.chart { background:var(--card); border:1px solid var(--line); border-radius:12px }
.card { padding:12px 14px } .card b { display:block; font-size:1.45rem; line-height:1.25 }
.chart { padding:12px 14px; overflow-x:auto }
svg { display:block; width:100%; min-width:600px; height:auto }
svg text { fill:var(--dim); font:12px system-ui,sans-serif }
.key { margin-right:14px; white-space:nowrap }
.key i { display:inline-block; width:.8em; height:.8em; border-radius:3px; margin-right:.4em }
figure { margin:0 0 14px; overflow:hidden } figcaption { padding:8px 14px; font-size:.9rem }
.three { display:grid; grid-template-columns:repeat(3,1fr); gap:2px }
.three img { width:100%; display:block }
.route { color:#fff; border-radius:20px; padding:1px 9px; font-size:.82rem }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums }
td,th { text-align:right; padding:5px 8px; border-bottom:1px solid var(--line); font-weight:400 }
th { color:var(--dim) } td:first-child,th:first-child { text-align:left }
@media (max-width:640px) { .three { grid-template-columns:1fr 1fr }
  .three img:first-child { grid-column:1/3 } }
"""


def page(report: Mapping[str, Any], out: Path, labels: LabelSet) -> str:
    """Return the HTML of a report whose pictures lie below `out`."""
    summary = report["summary"]
    frames = summary["per_frame"]
    warning = report.get("warning")
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>nightseg_ros demo</title><style>{STYLE}</style><main>",
        "<h1>A drive into the night</h1>",
        f"<p class=dim>{_text(report['how'])}</p>",
        f"<p class=warn>{_text(warning[0].upper() + warning[1:])}.</p>" if warning else "",
        _cards(report),
        "<h2>Light and route</h2><div class=chart>",
        light_chart(frames),
        _legend(summary["routes"]),
        "</div><h2>Latency</h2><div class=chart>",
        latency_chart(frames),
        "<p class=dim><small>From the stamp of an image to the arrival of its mask, per frame."
        "</small></p>",
        _stages(summary["stages_ms"]),
        "</div><h2>Image, mask and overlay</h2>",
        *_strip(report, out, labels),
        _facts(report),
        "</main></html>",
    ]
    return "\n".join(part for part in parts if part)


def _cards(report: Mapping[str, Any]) -> str:
    summary = report["summary"]
    latency = summary["latency_ms"] or {}
    cards = [
        ("masks", f"{summary['masks']} of {summary['sent']}", "frames answered"),
        ("rate", _number(summary["masks_per_s"], "/s"), "masks per second"),
        (
            "latency",
            _number(latency.get("p50"), " ms"),
            f"p95 {_number(latency.get('p95'), ' ms')}",
        ),
        (
            "route changes",
            str(summary["route_changes"]),
            ", ".join(summary["routes"]) or "no route",
        ),
    ]
    if report.get("score"):
        miou = report["score"]["miou"]["all"]
        cards.append(("mIoU", f"{100 * miou:.1f} %", "on rendered frames only"))
    return (
        "<div class=cards>"
        + "".join(
            f"<div class=card><small class=dim>{_text(name)}</small><b>{_text(value)}</b>"
            f"<small class=dim>{_text(note)}</small></div>"
            for name, value, note in cards
        )
        + "</div>"
    )


def _legend(routes: Mapping[str, int]) -> str:
    keys = [
        (f"var(--{route})", f"route {route} ({count} frames)") for route, count in routes.items()
    ]
    keys.append(("var(--accent)", "estimated illumination"))
    return (
        "<p class=dim><small>"
        + "".join(
            f"<span class=key><i style='background:{color}'></i>{_text(name)}</span>"
            for color, name in keys
        )
        + "</small></p>"
    )


def _stages(stages: Mapping[str, Mapping[str, float]]) -> str:
    names = [name for name, row in stages.items() if row and row["max"] > 0]
    rows = "".join(
        f"<tr><td>{name}" + "".join(f"<td>{stages[name][key]:.1f}" for key in ("p50", "p95", "max"))
        for name in names
    )
    return f"<table><tr><th>stage, ms<th>p50<th>p95<th>max{rows}</table>" if rows else ""


def _strip(report: Mapping[str, Any], out: Path, labels: LabelSet) -> list[str]:
    frames = [frame for frame in report["summary"]["per_frame"] if frame["mask"]]
    picks = np.unique(np.linspace(0, len(frames) - 1, min(STRIP, len(frames))).round().astype(int))
    palette = labels.palette()[:, ::-1]
    figures = []
    for frame in (frames[int(pick)] for pick in picks):
        mask = cv2.imread(str(out / frame["mask"]), cv2.IMREAD_GRAYSCALE)
        pictures: list[tuple[str, Any]] = [
            ("image", cv2.imread(str(out / report["images"][frame["index"]]))),
            ("mask", colorize(np.asarray(mask, np.uint8), palette)),
        ]
        if frame["overlay"]:
            pictures.append(("overlay", cv2.imread(str(out / frame["overlay"]))))
        shown = "".join(
            f'<img alt="{name} {frame["index"]}" src="{_embedded(picture, flat=name == "mask")}">'
            for name, picture in pictures
        )
        route = frame["route"] or "?"
        level = frame["illumination"]
        figures.append(
            f"<figure><div class=three>{shown}</div><figcaption>frame {frame['index']}, "
            f"{_text(frame['light'])} <span class=route style='background:var(--{route},#888)'>"
            f"{_text(route)}</span> <span class=dim>illumination {_number(level, '', 2)}, "
            f"{_number(frame['latency_ms'], ' ms')}</span></figcaption></figure>"
        )
    return figures


def _facts(report: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_text(key)}<td>{_text(value)}" for key, value in report["facts"].items() if value
    )
    return f"<h2>What ran</h2><div class=chart><table>{rows}</table></div>"


def _embedded(picture: NDArray[np.uint8], *, flat: bool) -> str:
    """Return a picture as a data URL: flat colours as PNG, others as JPEG."""
    height, width = picture.shape[:2]
    size = (THUMBNAIL, max(1, round(height * THUMBNAIL / width)))
    how = cv2.INTER_NEAREST if flat else cv2.INTER_AREA
    small = cv2.resize(picture, size, interpolation=how) if width > THUMBNAIL else picture
    kind, options = ("png", []) if flat else ("jpeg", [cv2.IMWRITE_JPEG_QUALITY, 82])
    _, data = cv2.imencode(f".{kind}", small, options)
    return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode()}"


def _number(value: float | None, unit: str, digits: int = 0) -> str:
    return (
        "n/a" if value is None else f"{value:.{digits if value >= 10 else max(digits, 1)}f}{unit}"
    )


def _text(value: object) -> str:
    return html.escape(str(value))


__all__: Sequence[str] = ["page"]
