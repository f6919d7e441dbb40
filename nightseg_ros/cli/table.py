# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg table`: published figures beside ours."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import default_models_dir
from nightseg_ros.evaluation.see_clearer_table import render_see_clearer, see_clearer

TABLES = ("see_clearer",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg table`."""
    parser.add_argument("table", choices=TABLES, help="which publication")
    parser.add_argument("--models", type=Path, metavar="DIR", help="models folder with our figures")
    parser.add_argument(
        "--sweep",
        type=Path,
        metavar="FILE",
        help="our ratio sweep: CSV with the columns converted, seed, set, miou",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Collect the figures."""
    models = args.models or default_models_dir()
    # config/ lies beside models/, in the source as in an installation.
    sweep = args.sweep or models.parent / "config" / "results" / "see_clearer_sweep.csv"
    return see_clearer(models, sweep)


def render(result: dict[str, Any]) -> str:
    """Return the tables as text."""
    return render_see_clearer(result)
