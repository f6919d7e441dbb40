# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML file that needs nothing else: parts in, text out."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightseg_ros.evaluation.report.style import SCRIPT, STYLE


@dataclass(frozen=True)
class Card:
    """One figure that matters, and a few words on it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says how to read what follows, and HTML."""

    title: str
    body: str
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
class Report:
    """What stands above all chapters, and the chapters."""

    title: str
    lead: str = ""
    notes: Sequence[str] = ()
    cards: Sequence[Card] = ()
    sections: Sequence[Section] = ()
    chapters: Sequence[Chapter] = ()


def page(report: Report) -> str:
    """Return the whole file."""
    several = len(report.chapters) > 1
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        # The icon that browsers would ask for otherwise.
        '<link rel="icon" href="data:,">',
        f"<title>{text(report.title)}</title><style>{STYLE}</style></head><body><main>",
        f"<header><h1>{text(report.title)}</h1>",
        f'<p class="lead">{text(report.lead)}</p>' if report.lead else "",
        "</header>",
        _notes(report.notes),
        cards(report.cards),
    ]
    if several:
        links = (
            f'<li><a href="#part{i}">{text(chapter.title)}</a></li>'
            for i, chapter in enumerate(report.chapters, 1)
        )
        parts.append(f"<nav><ol>{''.join(links)}</ol></nav>")
    parts += map(_section, report.sections)
    for i, chapter in enumerate(report.chapters, 1):
        parts.append(f'<article id="part{i}">')
        if several:
            parts.append(f"<h2>{text(chapter.title)}</h2>")
            parts.append(f'<p class="lead">{text(chapter.lead)}</p>' if chapter.lead else "")
        parts += [_notes(chapter.notes), cards(chapter.cards), *map(_section, chapter.sections)]
        parts.append("</article>")
    parts.append(f"</main><script>{SCRIPT}</script></body></html>")
    return "\n".join(part for part in parts if part) + "\n"


def text(value: object) -> str:
    """Return a value as HTML text, also fit for an attribute in double quotes."""
    return html.escape(str(value))


def keys(colors: Mapping[str, str]) -> str:
    """Return a legend: name -> CSS colour."""
    items = (
        f'<span class="key"><i style="background:{color}"></i>{text(name)}</span>'
        for name, color in colors.items()
    )
    return f'<p class="keys">{"".join(items)}</p>'


def cards(figures: Sequence[Card]) -> str:
    """Return figures side by side."""
    if not figures:
        return ""
    items = (
        f"<div><dt>{text(card.name)}</dt><dd>{text(card.value)}</dd>"
        f'<dd class="dim">{text(card.note)}</dd></div>'
        for card in figures
    )
    return f'<dl class="cards">{"".join(items)}</dl>'


def _section(section: Section) -> str:
    note = f'<p class="note">{text(section.note)}</p>' if section.note else ""
    return f"<section><h3>{text(section.title)}</h3>{note}{section.body}</section>"


def _notes(notes: Sequence[str]) -> str:
    return "".join(f'<p class="warn">{text(note)}</p>' for note in notes)
