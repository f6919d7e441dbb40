# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plain text tables: names to the left, numbers to the right, "-" where there is no number."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)
) -> str:
    """Return rows under a header; the columns in `left` are set left, the others right.

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


def in_percent(share: float) -> float | None:
    """Return a share as a percentage with two digits, None for NaN; for JSON and YAML.

    >>> in_percent(0.74123), in_percent(float("nan"))
    (74.12, None)
    """
    return None if math.isnan(share) else round(100 * float(share), 2)


def cell(percentage: float | None, digits: int = 1) -> str:
    """Return a percentage as a table cell, "-" where there is none.

    >>> cell(74.12), cell(None)
    ('74.1', '-')
    """
    return "-" if percentage is None else f"{percentage:.{digits}f}"
