# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The recipes: what the head of each file says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from written.markdown import plain


def recipes(folder: Path) -> str:
    """Return what the head of each recipe in a folder says."""
    parts = []
    for file in sorted(folder.glob("*.yaml")):
        parts += [f"### {file.stem}", *recipe_head(file.read_text(encoding="utf-8"))]
    return "\n\n".join(parts)


def recipe_head(text: str) -> Iterator[str]:
    """Return the comment at the head of a recipe as paragraphs and blocks of commands."""
    head = re.match(r"(#.*\n)*", text)
    lines = [line[2:] for line in (head[0] if head else "").splitlines()]
    block: list[str] = []
    for i, line in enumerate(lines):
        command = line.startswith("  ")
        block.append(line[2:] if command else line)
        if i + 1 == len(lines) or lines[i + 1].startswith("  ") != command:
            if command:
                yield "```bash\n" + "\n".join(block) + "\n```"
            else:
                yield plain(" ".join(block))
            block = []
