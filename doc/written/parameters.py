# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of both nodes: config/nightseg.yaml, and the tables of the page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from nightseg_ros.ros.parameter_table import Row, Table, default, fields, kind, ros_name, row
from nightseg_ros.ros.settings import Settings
from written.markdown import markdown_table, plain


def parameter_file(command: str) -> str:
    """Return config/nightseg.yaml: every parameter of the segmentation node with its default."""
    lines = [
        "# Parameters of the segmentation node with their defaults; doc/reference/parameters.md",
        f"# explains them. Written by `{command}`: change the code, not this file.",
        "# For a vehicle, copy the lines that differ into a file of its own.",
        "/**:",
        "  ros__parameters:",
    ]
    group = None
    for field in fields(Settings):
        head, _, name = ros_name(field).rpartition(".")
        if group is not None and (head != group or not head):
            lines.append("")
        if head and head != group:
            lines.append(f"    {head}:")
        group = head
        indent = "      " if head else "    "
        lines += [
            f"{indent}# {part}" for part in textwrap.wrap(_comment(row(field)), 96 - len(indent))
        ]
        lines.append(f"{indent}{name}: {_yaml(default(field))}")
    return "\n".join(lines) + "\n"


def _comment(about: Row) -> str:
    text = about.description
    if about.limits is not None:
        text += " Range {:g} to {:g}.".format(*about.limits)
    if about.choices:
        text += f" One of {', '.join(about.choices)}."
    return text + " May be set while the node runs." * about.runtime


def parameter_table(table: type[Table]) -> str:
    """Return the parameters of a node."""
    head = ("parameter", "type", "default", "range", "at run time", "what it does")
    return markdown_table(head, _parameter_rows(table))


def _parameter_rows(table: type[Table]) -> Iterator[tuple[str, ...]]:
    for field in fields(table):
        about = row(field)
        allowed = ", ".join(f"`{choice}`" for choice in about.choices)
        if about.limits is not None:
            allowed = "{:g} to {:g}".format(*about.limits)
        runtime = "yes" if about.runtime else "no"
        shown = f"`{_yaml(default(field))}`"
        yield f"`{ros_name(field)}`", kind(field), shown, allowed, runtime, plain(about.description)


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(value)}]" if value else "['']"
    return (value or "''") if isinstance(value, str) else str(value)
