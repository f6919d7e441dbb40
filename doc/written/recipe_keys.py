# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of recipes, from the dataclasses that check them."""

from __future__ import annotations

from collections.abc import Iterator

from nightseg_ros.learning.keys import KeyRow, key_rows
from nightseg_ros.learning.methods import find_method, method_names
from nightseg_ros.learning.study.description import Study, Way
from nightseg_ros.learning.study.steps import KINDS
from written.markdown import markdown_table, plain

HEAD = ("key", "type", "default", "limit", "meaning")


def recipe_keys() -> str:
    """Return a table for each method; of one that builds on another, what it adds or changes."""
    configs = {name: find_method(name).config for name in method_names()}
    sections = []
    for name, config in configs.items():
        rows = [row for row in key_rows(config) if row.key != "recipe"]  # it is the heading
        summary = plain((config.__doc__ or "").partition("\n\n")[0].replace("\n", " "))
        base = next((other for other in configs if configs[other] is config.__mro__[1]), "")
        if base:
            known = set(key_rows(configs[base]))
            rows = [row for row in rows if row not in known]
            summary += f"\n\nIt has all keys of `{base}` too, where none is named here."
        table = markdown_table(HEAD, cells(rows))
        sections.append(f"### recipe: {name}\n\n{summary}\n\n{table}")
    return "\n\n".join(sections)


def study_keys() -> str:
    """Return a table of the keys of a study, of a measured row, and of each kind of step."""
    kinds = {f"step: do: {name}": kind for name, kind in KINDS.items()}
    sections = []
    for name, kind in {"study": Study, "study: measure": Way, **kinds}.items():
        table = markdown_table(HEAD, cells(list(key_rows(kind))))
        summary = plain((kind.__doc__ or "").partition("\n\n")[0].replace("\n", " "))
        sections.append(f"### {name}\n\n{summary}\n\n{table}")
    return "\n\n".join(sections)


def cells(rows: list[KeyRow]) -> Iterator[tuple[str, ...]]:
    """Return the cells of a table."""
    for row in rows:
        default = f"`{row.default}`" if row.default not in ("", "required") else row.default
        yield f"`{row.key}`", row.type, default, plain(row.allowed), plain(row.description)
