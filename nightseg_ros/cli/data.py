# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data`: check every file of a set, split it into day and night, select from a pool."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nightseg_ros.cli import data_select, data_split
from nightseg_ros.cli.progress import track
from nightseg_ros.evaluation.text_table import cell, in_percent, text_table
from nightseg_ros.labels import label_set
from nightseg_ros.learning.datasets import LAYOUTS, open_sets
from nightseg_ros.learning.datasets.check import (
    MAX_BAD,
    Findings,
    gather,
    look_at,
    shared_between_splits,
)
from nightseg_ros.learning.datasets.contact_sheet import contact_sheet, save_sheet

_SHOWN_PROBLEMS = 10
_OTHERS = {"split": data_split, "select": data_select}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg data`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="read every file and say what is there and what is wrong",
        description=(
            "Read every file of a data set: counts, sizes, missing pairs, illegal label values, "
            f"class shares, brightness. Exit code 1 if more than {MAX_BAD:.0%} of a split is bad."
        ),
        epilog="layouts:\n"
        + "\n".join(f"  {name:<18} {layout.summary}" for name, layout in sorted(LAYOUTS.items())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument(
        "spec",
        nargs="+",
        metavar="SPEC",
        help="a folder, or LAYOUT:FOLDER[:SPLIT][@day,dusk,dark,night]",
    )
    check.add_argument("--labels", metavar="NAME", help="the label set the files really hold")
    check.add_argument("--sheet", type=Path, metavar="FILE.jpg", help="write a contact sheet")
    check.add_argument(
        "--sheet-images", type=int, default=12, metavar="N", help="frames per split on the sheet"
    )
    check.add_argument("--threads", type=int, default=0, help="readers; 0: one per core")
    for name, module in _OTHERS.items():
        summary = (module.__doc__ or "").partition(": ")[2].splitlines()[0].rstrip(".")
        module.add_arguments(
            actions.add_parser(
                name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
            )
        )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Check the data sets and return what was found, or do the other action."""
    if args.action in _OTHERS:
        found: dict[str, object] = _OTHERS[args.action].run(args)
        return {"action": args.action, **found}
    sets = [part for spec in args.spec for part in open_sets(spec, args.labels)]
    findings = [
        gather(part, track(look_at(part, args.threads), _short(part.name), len(part)))
        for part in sets
    ]
    if args.sheet is not None:
        save_sheet(args.sheet, contact_sheet(sets, args.sheet_images))
    return {
        "sets": [_describe(found) for found in findings],
        "shared": shared_between_splits(sets),
        "sheet": str(args.sheet) if args.sheet is not None else None,
        "exit_code": int(any(found.refused for found in findings)),
    }


def render(result: dict[str, Any]) -> str:
    """Return the findings as text."""
    if "action" in result:
        text: str = _OTHERS[result["action"]].render(result)
        return text
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
    if result["shared"]:
        parts.append("\n".join(["in more than one split:", *(f"  {x}" for x in result["shared"])]))
    if result["sheet"]:
        parts.append(f"contact sheet: {result['sheet']}")
    refused = [one["name"] for one in sets if one["refused"]]
    verdict = f"REFUSED, more than {MAX_BAD:.0%} bad: {', '.join(refused)}" if refused else "sound"
    parts.append(f"verdict: {verdict}")
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
