# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The arguments of the launch files, read without `launch`, which PyPI does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from written.markdown import markdown_table, plain


def launch_files(folder: Path) -> str:
    """Return the arguments of each launch file in a folder."""
    head = ("argument", "default", "choices", "meaning")
    parts = []
    for file in sorted(folder.glob("*.launch.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        parts += [
            f"## `{file.name}`",
            plain(ast.get_docstring(tree) or ""),
            markdown_table(head, launch_arguments(tree)),
        ]
    return "\n\n".join(parts)


def launch_arguments(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """Return name, default, choices and description of each argument that a file declares."""
    assigned = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }

    def texts(node: ast.AST) -> list[str]:
        """Return the texts in an expression, those behind names included."""
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if isinstance(node, ast.Name) and node.id in assigned:
            return texts(assigned[node.id])
        return [text for child in ast.iter_child_nodes(node) for text in texts(child)]

    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "DeclareLaunchArgument"):
            continue
        given = {keyword.arg: texts(keyword.value) for keyword in node.keywords}
        shown = "required"
        if "default_value" in given:  # a path is made of several texts
            shown = f"`{'/'.join(given['default_value'])}`".replace("``", "empty")
        choices = ", ".join(f"`{choice}`" for choice in given.get("choices", ()))
        yield f"`{texts(node.args[0])[0]}`", shown, choices, plain(given["description"][0])
