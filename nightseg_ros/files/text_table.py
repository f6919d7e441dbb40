# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Formats text tables: names left-aligned, numbers right-aligned, "-" for no number."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)
) -> str:
    """Return rows under a header; the columns in `left` are left-aligned, the others right.

    >>> print(text_table(["class", "IoU"], [["road", "74.1"], ["sky", "-"]]))
    class   IoU
    road   74.1
    sky       -
    """
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines)


def cell(percentage: float | None, digits: int = 1) -> str:
    """Return a percentage as a table cell, "-" where there is none.

    >>> cell(74.12), cell(None)
    ('74.1', '-')
    """
    return "-" if percentage is None else f"{percentage:.{digits}f}"


def interval(bounds: Sequence[float | None] | None, text: str = "{}", none: str = "") -> str:
    """Return `text` with an interval of percentages in it, `none` where there is none.

    >>> interval((61.24, 70.0), "; 95 %: {}"), interval((None, None), none="-")
    ('; 95 %: 61.2 to 70.0', '-')
    """
    if not bounds or bounds[0] is None or bounds[1] is None:
        return none
    return text.format(f"{bounds[0]:.1f} to {bounds[1]:.1f}")
