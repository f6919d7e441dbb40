# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The strip of a report: pictures of single frames behind a slider."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nightseg_ros.evaluation.report.page import text

CAPTIONS = {
    "truth": "ground truth",
    "disagreement": "where the routes differ",
    "errors": "where the mask is wrong",
    "confidence": "confidence, white is sure",
}
ORDER = ("image", "mask", "overlay", "truth", "errors", "disagreement", "confidence")


@dataclass(frozen=True)
class Shot:
    """One frame."""

    name: str
    """Short: it stands beside the slider."""
    pictures: Mapping[str, tuple[str, bytes]]
    """Name -> ending and bytes of the file."""
    facts: Mapping[str, str] = field(default_factory=dict)
    route: str = ""
    at: float | None = None
    """Where it lies on the time axis, 0 to 1."""


def strip(name: str, shots: Sequence[Shot], below: str = "", start: int = 0) -> str:
    """Return the strip called `name`, with `below` (a legend) under it."""
    if not shots:
        return ""
    figures = "".join(_shot(shot, hidden=i != start) for i, shot in enumerate(shots))
    return (
        f'<div class="strip" id="{text(name)}"><div class="shots">{figures}</div>'
        '<div class="slide"><button type="button" aria-label="previous frame">‹</button>'
        f'<input type="range" min="0" max="{len(shots) - 1}" value="{start}" step="1" '
        'autocomplete="off" aria-label="frame">'
        '<button type="button" aria-label="next frame">›</button><output></output></div>'
        f"{below}</div>"
    )


def _shot(shot: Shot, *, hidden: bool) -> str:
    known = [name for name in ORDER if name in shot.pictures]
    pictures = "".join(
        f'<figure><img alt="{name} of {text(shot.name)}" src="{_url(*shot.pictures[name])}">'
        f"<figcaption>{CAPTIONS.get(name, name)}</figcaption></figure>"
        for name in known
    )
    facts = [f'<span class="pill {shot.route}">{text(shot.route)}</span>'] if shot.route else []
    facts += [f"<span>{text(name)} <b>{text(said)}</b></span>" for name, said in shot.facts.items()]
    at = "" if shot.at is None else f' data-at="{shot.at:.4f}"'
    columns = 2 if len(known) in (2, 4) else min(3, len(known))
    return (
        f'<div class="shot" data-name="{text(shot.name)}"{at}{" hidden" if hidden else ""}>'
        f'<div class="views" style="--n:{columns}">{pictures}</div>'
        f'<p class="facts">{"".join(facts)}</p></div>'
    )


def _url(ending: str, data: bytes) -> str:
    kind = "jpeg" if ending == "jpg" else ending
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
