# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which part may import which: the node must never load torch, the core must never load ROS."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nightseg_ros"

# Arrows point one way; a part may import itself, those named, and the files beside the parts.
MAY_IMPORT = {
    "perception": {"engines"},
    "engines": set(),
    "drive": set(),
    "learning": {"evaluation", "perception", "engines"},
    "export": {"learning", "engines", "perception"},
    "evaluation": {"learning", "perception", "engines", "drive"},
    "ros": {"perception", "engines", "evaluation", "drive"},
}
ONLY_IN = {
    "rclpy": {"ros"},
    "torch": {"learning", "export"},
    "lightning": {"learning"},
    "nncf": {"export"},
}


def imports(file: Path) -> set[str]:
    """Return all modules that a file names in an import, wherever it stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0]


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_arrows_point_one_way(part):
    files = sorted((PACKAGE / part).rglob("*.py"))
    assert files
    for file in files:
        names = [name.split(".") for name in imports(file) if name.startswith("nightseg_ros.")]
        parts = {name[1] for name in names if (PACKAGE / name[1]).is_dir()}
        assert parts <= {part, *MAY_IMPORT[part]}, file


@pytest.mark.parametrize("library", ONLY_IN)
def test_heavy_libraries_stay_in_their_part(library):
    for file in sorted(PACKAGE.rglob("*.py")):
        if any(name.split(".")[0] == library for name in imports(file)):
            assert part_of(file) in ONLY_IN[library], file


def test_the_runtime_loads_neither_torch_nor_ros():
    code = (
        "import sys, nightseg_ros.cli.segment, nightseg_ros.cli.models;"
        "from nightseg_ros.perception.pipeline import Pipeline;"
        "print(sorted({'torch', 'rclpy', 'lightning'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "[]"
