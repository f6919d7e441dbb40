# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg study run`: train and measure what is missing of a study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.options.fields import argument, flag, option
from nightseg_ros.cli.options.values import data_option
from nightseg_ros.files.sole_writer import sole_folder_writer


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `nightseg study run` is asked for."""

    study: str = argument("a study of config/studies/", metavar="NAME|FILE")
    data: str = data_option("folder that {data} in the study stands for (default: NIGHTSEG_DATA)")
    out: Path | None = option("folder for all it makes (default runs/NAME)", None)
    set: tuple[str, ...] = option(
        "change a key of the study, such as given.translated=DIR", (), metavar="KEY=VALUE"
    )
    rows: tuple[str, ...] = option(
        "only these rows, and what they build on", (), nargs="+", metavar="ROW"
    )
    jobs: int = option("trainings side by side", 1, metavar="N")
    no_resume: bool = flag(
        "start anew even if OUT holds a run; a stopped run resumes where study, recipes and data "
        "are the same"
    )
    fast_dev_run: bool = flag(
        "one step of each training with the first seed in OUT/fast_dev_run, to try a study"
    )


def run(options: Options) -> dict[str, Any]:
    """Run the study, and return its figures and where they lie."""
    from nightseg_ros.learning.study.description import load_study
    from nightseg_ros.learning.study.run import run_study

    study = load_study(options.study, options.set)
    out = options.out or Path("runs") / study.name
    with sole_folder_writer(out):
        return run_study(
            study,
            out,
            options.data,
            rows=options.rows,
            jobs=options.jobs,
            resume=not options.no_resume,
            fast_dev_run=options.fast_dev_run,
        )


def render(result: dict[str, Any]) -> str:
    """Return the figures as lines."""
    lines = [f"  {name:<36} {value}" for name, value in result["figures"].items()]
    return "\n".join([*lines, f"{result['tasks']} steps and rows; results: {result['results']}"])
