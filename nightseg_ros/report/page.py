# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML file that needs nothing else: parts in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from nightseg_ros.report.render import macro, render

CAPTIONS = {
    "truth": "ground truth",
    "disagreement": "where the routes differ",
    "errors": "where the mask is wrong",
    "overlay": "overlay, hatched where unsure",
    "confidence": "confidence, white is high",
}
ORDER = ("image", "mask", "overlay", "truth", "errors", "disagreement", "confidence")


@dataclass(frozen=True)
class Card:
    """One figure that matters, and a few words on it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says how to read what follows, and the rest."""

    title: str
    body: Markup
    note: str = ""


@dataclass(frozen=True)
class Chapter:
    """One drive or one data set."""

    title: str
    lead: str = ""
    notes: Sequence[str] = ()
    """What a reader must know before believing a figure."""
    cards: Sequence[Card] = ()
    sections: Sequence[Section] = ()


@dataclass(frozen=True)
class Report(Chapter):
    """What is shown above all chapters, and the chapters."""

    chapters: Sequence[Chapter] = ()


def page(report: Report) -> str:
    """Return the whole file."""
    return render("page.html", report=report)


def panels(*contents: Markup) -> Markup:
    """Return every content in a frame of its own, below each other."""
    return Markup().join(Markup('<div class="panel">{}</div>').format(html) for html in contents)


def grid(contents: Iterable[Markup]) -> Markup:
    """Return contents side by side, as many as there is space for."""
    return Markup('<div class="grid">{}</div>').format(Markup().join(contents))


def legend(colors: Mapping[str, str]) -> Markup:
    """Return a legend: name -> CSS colour."""
    return macro("parts.html", "legend", colors)


@dataclass(frozen=True)
class Shot:
    """One frame of a strip: pictures of single frames behind a slider."""

    name: str
    """Short: it stands beside the slider."""
    pictures: Mapping[str, tuple[str, bytes]]
    """Name -> ending and bytes of the file."""
    facts: Mapping[str, str] = field(default_factory=dict)
    route: str = ""
    at: float | None = None
    """Where it lies on the time axis, 0 to 1."""


def strip(name: str, shots: Sequence[Shot], below: str | Markup = "") -> Markup:
    """Return the strip called `name`, with `below` (a legend) under it."""
    if not shots:
        return Markup()
    return render("strip.html", name=name, shots=shots, below=below, order=ORDER, captions=CAPTIONS)
