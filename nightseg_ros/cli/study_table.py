# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg study table`: published figures beside ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.models_folder import default_models_dir
from nightseg_ros.cli.options.fields import argument, flag, option
from nightseg_ros.learning.study.description import load_study, results_file
from nightseg_ros.learning.study.plots import draw
from nightseg_ros.learning.study.results import read_lines
from nightseg_ros.learning.study.table import render_markdown, render_text, table_of


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `nightseg study table` is asked for."""

    study: str = argument("a study of config/studies/", metavar="NAME|FILE")
    results: Path | None = option(
        "OUT/NAME.csv of a run (default: that in config/results/)", None, metavar="FILE"
    )
    models: Path | None = option("models folder with our figures", None, metavar="DIR")
    markdown: bool = flag("print the tables as Markdown")
    plot: Path | None = option("also draw the picture of the study", None, metavar="FILE")


def run(options: Options) -> dict[str, Any]:
    """Collect the figures."""
    study = load_study(options.study)
    lines = read_lines(options.results or results_file(study.name))
    if options.plot:
        draw(study, lines, options.plot)
    result = table_of(study, lines, options.models or default_models_dir())
    return {**result, "markdown": options.markdown}


def render(result: dict[str, Any]) -> str:
    """Return the tables as text."""
    return render_markdown(result) if result["markdown"] else render_text(result)
