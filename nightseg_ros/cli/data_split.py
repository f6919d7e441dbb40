# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data split`: day, dusk and night by histogram, and how often that is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.options.fields import argument, option
from nightseg_ros.datasets.catalog import open_sets
from nightseg_ros.datasets.time_of_day import (
    DAY_FROM,
    NIGHT_BELOW,
    SplitError,
    split_error,
    with_measured_times,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import text_table

TIMES = ("day", "dusk", "dark", "night")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg data split`."""

    spec: tuple[str, ...] = argument("a folder, or LAYOUT:FOLDER[:SPLIT]", metavar="SPEC")
    out: Path | None = option(
        "gets day/, dusk/ and night/ with links, for sets without times", None
    )


def run(options: Options) -> dict[str, object]:
    """Measure the sets; where times are known, count the errors."""
    rows: list[dict[str, Any]] = []
    total: Counter[tuple[str, str]] = Counter()
    for part in (part for spec in options.spec for part in open_sets(spec)):
        known = any(sample.time_of_day for sample in part.samples)
        if known:
            error = split_error(part.samples)
            total += error.counts
            rows.append(_row(part.name, error))
            continue
        timed = with_measured_times(part)
        found = Counter(sample.time_of_day for sample in timed.samples)
        rows.append({"name": part.name, "images": len(part), "measured": dict(found)})
        if options.out is not None:
            for sample in timed.samples:
                link = options.out / sample.time_of_day / sample.image.name
                link.parent.mkdir(parents=True, exist_ok=True)
                if link.is_symlink():
                    link.unlink()
                elif link.exists():
                    raise NightsegError(f"{link} is there and no link; choose another --out")
                link.symlink_to(sample.image.resolve())
    result: dict[str, object] = {"action": "split", "limits": [NIGHT_BELOW, DAY_FROM], "sets": rows}
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
        errors = ", ".join(f"{what} {n}" for what, n in counts.items())
        known = ["-"] * 5
        if "swapped" in row:
            swapped, undecided = row["swapped_percent"], row["undecided_percent"]
            known = [str(row["known_day_or_night"]), str(row["swapped"]), f"{swapped:.2f}"]
            known += [str(row["undecided"]), f"{undecided:.2f}"]
        lines.append([row["name"], str(row["images"]), *known, errors])
    low, high = result["limits"]
    return "\n".join(
        [
            text_table(header, lines, left=(0, 7)),
            f"illumination below {low} is night, from {high} day, dusk between; swapped = day "
            "taken for night or night for day",
        ]
    )
