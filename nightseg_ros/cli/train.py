# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg train RECIPE`: train what a recipe file describes."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.cli.options.fields import argument, flag, option
from nightseg_ros.cli.options.values import data_option
from nightseg_ros.files.sole_writer import sole_folder_writer


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg train`."""

    recipe: Path = argument("a file of config/recipes/")
    data: str = data_option("folder that {data} in the recipe stands for (default: NIGHTSEG_DATA)")
    out: Path | None = option(
        "folder for checkpoints, curves and figures (default runs/NAME)", None
    )
    set: tuple[str, ...] = option("change a key of the recipe", (), metavar="KEY=VALUE")
    no_resume: bool = flag(
        "start anew even if OUT holds a run; a stopped run resumes where recipe and data are "
        "the same (only steps may grow)"
    )
    fast_dev_run: bool = flag("one step and one validation in OUT/fast_dev_run, to try a recipe")


def run(options: Options) -> dict[str, object]:
    """Train, and return the figures and the checkpoint."""
    from nightseg_ros.learning.config import load_config
    from nightseg_ros.learning.run_record import is_main
    from nightseg_ros.learning.train import train

    config = load_config(options.recipe, options.set)
    out = options.out or Path("runs") / config.name
    # The other processes of the same training, one for each device, write into it too.
    with (
        sole_folder_writer(out) if is_main() else nullcontext(),
        redirect_stdout(sys.stderr),  # Lightning's bars; stdout is for the result alone
    ):
        result = train(
            config,
            out,
            options.data,
            resume=not options.no_resume,
            fast_dev_run=options.fast_dev_run,
        )
    if not is_main():  # one process of a training on several devices prints its result
        raise SystemExit(0)
    return result


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
