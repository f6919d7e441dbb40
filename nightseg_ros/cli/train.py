# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg train RECIPE`: train what a recipe file describes."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recipe", type=Path, help="a file of config/recipes/")
    parser.add_argument(
        "--data",
        default=os.environ.get("NIGHTSEG_DATA", ""),
        help="folder that {data} in the recipe stands for (default: NIGHTSEG_DATA)",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for checkpoints, curves and figures (default runs/NAME)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe"
    )
    parser.add_argument(
        "--no-resume", action="store_true", help="start anew even if OUT holds a stopped run"
    )
    parser.add_argument(
        "--fast-dev-run", action="store_true", help="one step and one validation, to try a recipe"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Train, and return the figures and where the checkpoint lies."""
    from nightseg_ros.learning.config import load_config
    from nightseg_ros.learning.train import train

    config = load_config(args.recipe, args.set)
    out = args.out or Path("runs") / config.name
    with redirect_stdout(sys.stderr):  # Lightning's bars; stdout is for the result alone
        return train(
            config, out, args.data, resume=not args.no_resume, fast_dev_run=args.fast_dev_run
        )


def render(result: dict[str, object]) -> str:
    """Return the figures as lines."""
    figures = result.get("figures")
    lines = (
        [f"  {name:<28} {value}" for name, value in figures.items()]
        if isinstance(figures, dict)
        else []
    )
    warnings = result.get("warnings")
    lines += [f"WARNING: {text}" for text in warnings] if isinstance(warnings, list) else []
    return "\n".join([*lines, f"{result['minutes']} minutes; checkpoint: {result['checkpoint']}"])
