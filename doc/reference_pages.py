# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written from the code, so that it cannot disagree with it.

`python doc/reference_pages.py` (or `make docs`) writes config/nightseg.yaml and, in README.md and
the pages of doc/, what stands between `<!-- NAME -->` and `<!-- /NAME -->` for each NAME of PARTS.
A test holds all of it to its source.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from written.launch import launch_files
from written.models import model_accuracy, model_choice, model_times
from written.parameters import parameter_file, parameter_table
from written.recipe_keys import recipe_keys, study_keys
from written.recipes import recipes
from written.verbs import verbs

from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
COMMAND = "python doc/reference_pages.py"

PARTS: dict[str, Callable[[], str]] = {
    "parameters": lambda: parameter_table(Settings),
    "overlay_parameters": lambda: parameter_table(OverlaySettings),
    "launch_files": lambda: launch_files(REPOSITORY / "launch"),
    "verbs": verbs,
    "recipes": lambda: recipes(REPOSITORY / "config" / "recipes"),
    "studies": lambda: recipes(REPOSITORY / "config" / "studies"),
    "recipe_keys": recipe_keys,
    "study_keys": study_keys,
    "model_choice": model_choice,
    "model_accuracy": model_accuracy,
    "model_times": model_times,
}


def main() -> None:
    """Write all of it."""
    for file, text in written().items():
        (REPOSITORY / file).write_text(text, encoding="utf-8")


def written() -> dict[str, str]:
    """Return the text of every file that is written from the code, by its path."""
    texts = {"config/nightseg.yaml": parameter_file(COMMAND)}
    for file in (REPOSITORY / "README.md", *sorted((REPOSITORY / "doc").rglob("*.md"))):
        text = file.read_text(encoding="utf-8")
        if re.search("<!-- /", text):
            texts[str(file.relative_to(REPOSITORY))] = with_parts(text)
    return texts


def with_parts(text: str) -> str:
    """Return the text of a page with its parts renewed."""

    def renewed(found: re.Match[str]) -> str:
        return f"<!-- {found[1]} -->\n\n{PARTS[found[1]]()}\n\n<!-- /{found[1]} -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", renewed, text, flags=re.DOTALL)


if __name__ == "__main__":
    main()
