# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""config/nightseg.yaml and the parameter table of the README, both made from the settings.

`python -m nightseg_ros.ros.parameter_docs` in the repository writes both.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.parameter_table import default, fields, kind, ros_name, row
from nightseg_ros.ros.settings import Settings

START, END = "<!-- parameters -->", "<!-- /parameters -->"  # or START again
REMEDY = "python -m nightseg_ros.ros.parameter_docs"

_HEAD = """\
# Parameters of the segmentation node with their defaults; the same table is in README.md.
# Written by `{remedy}`: change the table there, not this file;
# for a vehicle, copy the lines that differ into a file of its own.
/**:
  ros__parameters:
"""


def render_yaml() -> str:
    """Return config/nightseg.yaml."""
    lines: list[str] = []
    group = ""
    for field in fields(Settings):
        head, _, last = ros_name(field).rpartition(".")
        indent = "    "
        if head:
            indent = "      "
            if head != group:
                lines += ["", f"    {head}:"]
                group = head
        else:
            lines.append("")
        text = row(field).description + _limits(row(field).low, row(field).high)
        if row(field).choices:
            text += f" One of {', '.join(row(field).choices)}."
        if row(field).runtime:
            text += " May be set while the node runs."
        width = 96 - len(indent)
        lines += [f"{indent}# {part}" for part in textwrap.wrap(text, width)]
        lines.append(f"{indent}{last}: {_yaml(default(field))}")
    return _HEAD.format(remedy=REMEDY) + "\n".join(lines[1:]) + "\n"


def render_markdown() -> str:
    """Return the table of the README, without its markers."""
    lines = [
        "| parameter | type | default | range | at run time | what it does |",
        "|---|---|---|---|---|---|",
    ]
    for field in fields(Settings):
        about = row(field)
        allowed = ", ".join(f"`{x}`" for x in about.choices)
        if about.low is not None and about.high is not None:
            allowed = f"{about.low:g} to {about.high:g}"
        lines.append(
            f"| `{ros_name(field)}` | {kind(field)} | `{_yaml(default(field))}` | {allowed} "
            f"| {'yes' if about.runtime else 'no'} | {about.description} |"
        )
    return "\n".join(lines)


def replace_section(readme: str) -> str:
    """Return the text of the README with its parameter section renewed."""
    found = re.search(f"{START}.*?(<!-- /?parameters -->)", readme, re.DOTALL)
    if found is None:
        raise NightsegError(f"README.md lacks '{START}' and '{END}'; put them round the table")
    section = f"{START}\n{render_markdown()}\n{found[1]}"
    return readme[: found.start()] + section + readme[found.end() :]


def write(repository: Path) -> None:
    """Write both files."""
    (repository / "config" / "nightseg.yaml").write_text(render_yaml(), encoding="utf-8")
    readme = repository / "README.md"
    readme.write_text(replace_section(readme.read_text(encoding="utf-8")), encoding="utf-8")


def _limits(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" Range {low:g} to {high:g}."


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]" if value else "['']"
    if isinstance(value, str):
        return value or "''"
    return str(value)


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2])
