# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data check`: what a data set holds, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.cli.options.fields import argument, option
from nightseg_ros.cli.progress import track
from nightseg_ros.datasets import LAYOUTS, open_sets
from nightseg_ros.datasets.check import (
    MAX_BAD,
    Findings,
    check_samples,
    gather,
    shared_between_splits,
)
from nightseg_ros.datasets.contact_sheet import contact_sheet, save_sheet
from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.labels.label_set import label_set
from nightseg_ros.metrics.scores import in_percent

if TYPE_CHECKING:
    from nightseg_ros.errors import NightsegError

_SHOWN_PROBLEMS = 10
ABOUT = (
    "Read every file of a data set: counts, sizes, missing pairs, illegal label values, "
    "class shares, brightness. Exit code 1 if a split cannot be read or more than "
    f"{MAX_BAD:.0%} of it is bad."
)
NOTES = "\n".join(
    ["layouts:", *(f"  {name:<18} {layout.summary}" for name, layout in sorted(LAYOUTS.items()))]
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg data check`."""

    spec: tuple[str, ...] = argument(
        "a folder, or LAYOUT:FOLDER[:SPLIT][@day,dusk,dark,night]", metavar="SPEC"
    )
    labels: str | None = option("the label set the files really hold", None, metavar="NAME")
    sheet: Path | None = option("write a contact sheet", None, metavar="FILE.jpg")
    sheet_images: int = option("frames per split on the sheet", 12, metavar="N")
    threads: int = option("readers; 0: one per core", 0)


def run(options: Options) -> dict[str, object]:
    """Check the data sets and return what was found."""
    unread: list[NightsegError] = []
    sets = [
        part for spec in options.spec for part in open_sets(spec, options.labels, unread.append)
    ]
    if not sets:
        raise unread[0]
    findings = [
        gather(part, track(check_samples(part, options.threads), _short(part.name), len(part)))
        for part in sets
    ]
    if options.sheet is not None:
        save_sheet(options.sheet, contact_sheet(sets, options.sheet_images))
    return {
        "sets": [_describe(found) for found in findings],
        "shared": shared_between_splits(sets),
        "sheet": str(options.sheet) if options.sheet is not None else None,
        "unread": [str(error) for error in unread],
        "exit_code": int(bool(unread) or any(found.refused for found in findings)),
    }


def render(result: dict[str, Any]) -> str:
    """Return the findings as text."""
    sets = result["sets"]
    parts = [_overview(sets)]
    for labels in dict.fromkeys(one["label_set"] for one in sets if one["label_set"]):
        parts.append(_class_table(labels, [one for one in sets if one["label_set"] == labels]))
    problems = [problem for one in sets for problem in one["problems"]]
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        lines = [f"  {problem}" for problem in problems[:_SHOWN_PROBLEMS]]
        lines += [f"  ... and {more} more (--json lists all)"] if more > 0 else []
        parts.append("\n".join(["bad files:", *lines]))
    if result["unread"]:
        parts.append("\n".join(["not read:", *(f"  {x}" for x in result["unread"])]))
    if result["shared"]:
        parts.append("\n".join(["in more than one split:", *(f"  {x}" for x in result["shared"])]))
    if result["sheet"]:
        parts.append(f"contact sheet: {result['sheet']}")
    refused = [one["name"] for one in sets if one["refused"]]
    verdict = [f"REFUSED, more than {MAX_BAD:.0%} bad: {', '.join(refused)}"] if refused else []
    verdict += [f"{len(result['unread'])} not read"] if result["unread"] else []
    parts.append(f"verdict: {'; '.join(verdict) or 'sound'}")
    return "\n\n".join(parts)


def _describe(found: Findings) -> dict[str, Any]:
    part = found.dataset
    shares = found.class_shares()
    names = label_set(part.label_set).names if part.label_set else ()
    everything = np.concatenate([*found.lumas.values(), []]) if found.lumas else np.array([])
    return {
        "name": part.name,
        "layout": part.layout,
        "label_set": part.label_set,
        "images": len(part),
        "labelled": sum(sample.label is not None for sample in part.samples),
        "invalid_masks": sum(sample.invalid is not None for sample in part.samples),
        "clips": len({sample.clip for sample in part.samples if sample.clip}),
        "sizes": dict(found.sizes.most_common()),
        "mean_luma": round(float(everything.mean()), 1) if everything.size else None,
        "times_of_day": {
            time: {"images": len(values), "mean_luma": round(float(np.mean(values)), 1)}
            for time, values in sorted(found.lumas.items())
        },
        "void_share": in_percent(found.void_share),
        "classes": {
            name: {"share": in_percent(shares[i]), "images": int(found.holding[i])}
            for i, name in enumerate(names)
        },
        "bad": len(found.problems),
        "refused": found.refused,
        "problems": found.problems,
    }


def _overview(sets: Sequence[dict[str, Any]]) -> str:
    rows = []
    for one in sets:
        sizes = list(one["sizes"].items())
        size = sizes[0][0] if sizes else "-"
        size += f" +{len(sizes) - 1}" if len(sizes) > 1 else ""
        times = ", ".join(f"{t} {n['images']}" for t, n in one["times_of_day"].items())
        rows.append(
            [
                _short(one["name"]),
                str(one["images"]),
                one["label_set"] or "none",
                size,
                str(one["bad"]),
                "-" if one["mean_luma"] is None else f"{one['mean_luma']:.0f}",
                times,
            ]
        )
    header = ["split", "images", "labels", "size", "bad", "luma", "time of day"]
    return text_table(header, rows, left=(0, 6))


def _class_table(labels: str, sets: Sequence[dict[str, Any]]) -> str:
    header = [f"{labels}: % of labelled pixels / images", *(_short(one["name"]) for one in sets)]
    rows = []
    for name in label_set(labels).names:
        shares = [one["classes"][name] for one in sets]
        rows.append([name, *(_share(share) for share in shares)])
    rows.append(["unlabelled (% of all pixels)", *(cell(one["void_share"]) for one in sets)])
    return text_table(header, rows)


def _share(share: dict[str, Any]) -> str:
    return f"{share['share']:.2f} / {share['images']}" if share["images"] else "-"


def _short(name: str) -> str:
    """Return the split of a set's name, or its folder where it has no split."""
    _, colon, split = name.partition(":")[2].rpartition(":")
    return split if colon else Path(split).name
