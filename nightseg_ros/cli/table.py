# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg table`: published figures beside ours, and ours beside each other."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import default_models_dir
from nightseg_ros.cli import table_translators
from nightseg_ros.evaluation.codan_rows import read_codan
from nightseg_ros.evaluation.min_max_table import min_max, render_min_max
from nightseg_ros.evaluation.nisenet_table import nisenet, render_nisenet
from nightseg_ros.evaluation.see_clearer_table import render_see_clearer, see_clearer
from nightseg_ros.evaluation.thesis_table import render_thesis, thesis

TABLES = ("see_clearer", "thesis", "nisenet", "min_max", "translators")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg table`."""
    parser.add_argument("table", choices=TABLES, help="which comparison")
    parser.add_argument("--models", type=Path, metavar="DIR", help="models folder with our figures")
    parser.add_argument(
        "--sweep",
        type=Path,
        metavar="FILE",
        help="the CSV that our sweep wrote (default: see_clearer_sweep.csv, thesis.csv, "
        "nisenet.csv or min_max.csv in config/results/)",
    )
    parser.add_argument_group("of the table min_max").add_argument(
        "--codan",
        action="append",
        default=[],
        metavar="ROW=FILE",
        help="also ours on CODaN: the result.json of a training of min_max_classifier.yaml",
    )
    table_translators.add_options(parser.add_argument_group("of the table translators"))


def run(args: argparse.Namespace) -> dict[str, object]:
    """Collect the figures."""
    if args.table == "translators":
        return table_translators.run(args)
    models = args.models or default_models_dir()
    # config/ lies beside models/, in the source as in an installation.
    results = models.parent / "config" / "results"
    if args.table == "thesis":
        return thesis(args.sweep or results / "thesis.csv")
    if args.table == "nisenet":
        return nisenet(args.sweep or results / "nisenet.csv", results / "fused.json")
    if args.table == "min_max":
        return min_max(args.sweep or results / "min_max.csv", read_codan(args.codan))
    return see_clearer(models, args.sweep or results / "see_clearer_sweep.csv")


def render(result: dict[str, Any]) -> str:
    """Return the tables as text."""
    if "day_model" in result:
        return table_translators.render(result)
    if "nisenet" in result:
        return render_nisenet(result)
    if "min_max" in result:
        return render_min_max(result)
    return render_thesis(result) if "rows" in result else render_see_clearer(result)
