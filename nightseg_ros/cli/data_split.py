# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data split`: day, dusk and night by histogram, and how often that is wrong."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.text_table import text_table
from nightseg_ros.learning.datasets.catalog import open_sets
from nightseg_ros.learning.datasets.time_of_day import (
    DAY_FROM,
    NIGHT_BELOW,
    SplitError,
    split_error,
    with_measured_times,
)

TIMES = ("day", "dusk", "dark", "night")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "spec", nargs="+", metavar="SPEC", help="a folder, or LAYOUT:FOLDER[:SPLIT]"
    )
    parser.add_argument(
        "--out", type=Path, help="gets day/, dusk/ and night/ with links, for sets without times"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure the sets; where times are known, count the errors."""
    rows: list[dict[str, Any]] = []
    total: Counter[tuple[str, str]] = Counter()
    for part in (part for spec in args.spec for part in open_sets(spec)):
        known = any(sample.time_of_day for sample in part.samples)
        if known:
            error = split_error(part.samples)
            total += error.counts
            rows.append(_row(part.name, error))
            continue
        timed = with_measured_times(part)
        found = Counter(sample.time_of_day for sample in timed.samples)
        rows.append({"name": part.name, "images": len(part), "measured": dict(found)})
        if args.out is not None:
            for sample in timed.samples:
                link = args.out / sample.time_of_day / sample.image.name
                link.parent.mkdir(parents=True, exist_ok=True)
                if link.is_symlink():
                    link.unlink()
                elif link.exists():
                    raise NightsegError(f"{link} is there and no link; choose another --out")
                link.symlink_to(sample.image.resolve())
    result: dict[str, object] = {"limits": [NIGHT_BELOW, DAY_FROM], "sets": rows}
    if total:
        result["all"] = _row("all", SplitError(total))
    return result


def _row(name: str, error: SplitError) -> dict[str, Any]:
    frames = max(1, error.frames)
    return {
        "name": name,
        "images": sum(error.counts.values()),
        "known_day_or_night": error.frames,
        "swapped": error.swapped,
        "swapped_percent": round(100 * error.swapped / frames, 2),
        "undecided": error.undecided,
        "undecided_percent": round(100 * error.undecided / frames, 2),
        "counts": {f"{known} as {found}": n for (known, found), n in sorted(error.counts.items())},
    }


def render(result: dict[str, Any]) -> str:
    """Return the sets as a table."""
    header = ["set", "images", "day+night", "swapped", "%", "as dusk", "%", "known as measured"]
    lines = []
    for row in [*result["sets"], *([result["all"]] if "all" in result else [])]:
        counts = row.get("counts") or {f"? as {t}": n for t, n in row["measured"].items()}
        told = ", ".join(f"{what} {n}" for what, n in counts.items())
        known = "swapped" in row
        lines.append(
            [
                row["name"],
                str(row["images"]),
                str(row["known_day_or_night"]) if known else "-",
                str(row["swapped"]) if known else "-",
                f"{row['swapped_percent']:.2f}" if known else "-",
                str(row["undecided"]) if known else "-",
                f"{row['undecided_percent']:.2f}" if known else "-",
                told,
            ]
        )
    low, high = result["limits"]
    return "\n".join(
        [
            text_table(header, lines, left=(0, 7)),
            f"illumination below {low} is night, from {high} day, dusk between; swapped = day "
            "taken for night or night for day",
        ]
    )
