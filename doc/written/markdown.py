# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tables and plain text in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable


def markdown_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    r"""Return a table of Markdown; a `|` in a cell ends no column.

    >>> print(markdown_table(("a", "b"), [("1|2", "3")]))
    | a | b |
    |---|---|
    | 1\|2 | 3 |
    """
    lines = [f"| {' | '.join(head)} |"]
    lines.append(re.sub(r"[^|]+", "---", lines[0]))
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in r)} |" for r in rows]
    return "\n".join(lines)


def plain(text: str) -> str:
    r"""Return a text in which only backticks mean something to Markdown.

    >>> print(plain("<stem>.png below ~/mask, see `a*b*`"))
    \<stem>.png below \~/mask, see `a*b*`
    """
    parts = text.split("`")
    return "`".join(p if i % 2 else re.sub(r"([<*~])", r"\\\1", p) for i, p in enumerate(parts))
