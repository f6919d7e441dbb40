# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which folder may import which: the node must never load torch, the core must never load ROS."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "nightseg_ros"

# Arrows point one way: a folder may import itself, `errors`, and those named here.
MAY_IMPORT = {
    "files": set(),
    "labels": {"files"},
    "metrics": {"files", "labels"},
    "bundles": {"files", "labels"},
    "engines": {"bundles", "files", "labels", "metrics"},
    "perception": {"bundles", "engines", "files", "labels", "metrics"},
    "bags": {"files", "labels", "perception"},
    "datasets": {"files", "labels", "perception"},
    "drive": {"bags", "files", "labels"},
    "report": {"bundles", "files", "labels", "metrics", "perception"},
    "ros": {"bundles", "engines", "files", "labels", "metrics", "perception"},
    "learning": {"bundles", "datasets", "files", "labels", "metrics"},
    "replay": {
        "bags", "bundles", "datasets", "drive", "engines", "files", "labels", "metrics",
        "perception", "report",
    },
    "export": {"bundles", "engines", "files", "labels", "learning"},
    "trials": {
        "bags", "bundles", "drive", "engines", "files", "labels", "metrics", "perception",
        "replay", "report", "ros",
    },
    "cli": {
        "bags", "bundles", "datasets", "drive", "engines", "export", "files", "labels", "learning",
        "metrics", "perception", "replay", "report", "ros", "trials",
    },
}  # fmt: skip
ONLY_IN = {
    "rclpy": {"ros", "trials"},
    "torch": {"learning", "export"},
    "lightning": {"learning"},
    "nncf": {"export"},
    "jinja2": {"report"},
    "psutil": {"trials"},
}


@cache
def modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


@cache
def imports(name: str) -> frozenset[str]:
    """Return all modules that a module names in an import, wherever it stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(modules()[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (below & modules().keys()) or {node.module}
    return frozenset(found)


def folder_of(name: str) -> str:
    """Return the folder of a module, "" for one at the top."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else ""


def test_every_folder_has_its_place():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders == MAY_IMPORT.keys()


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_arrows_point_one_way(folder):
    for name in modules():
        if folder_of(name) == folder:
            wanted = {folder_of(other) for other in imports(name) if other in modules()}
            assert wanted <= {folder, "", *MAY_IMPORT[folder]}, name


def test_no_folders_import_each_other():
    order: list[str] = []
    while len(order) < len(MAY_IMPORT):
        free = [one for one in MAY_IMPORT if one not in order and MAY_IMPORT[one] <= set(order)]
        assert free, f"a circle among {sorted(set(MAY_IMPORT) - set(order))}"
        order += free


def test_no_modules_import_each_other():
    assert circles() == set()


def circles() -> set[frozenset[str]]:
    """Return the sets of modules that reach each other over imports (Tarjan's components)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: set[frozenset[str]] = set()

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        stack.append(name)
        for other in imports(name) & modules().keys():
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in stack:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.add(frozenset(group))

    for name in modules():
        if name not in number:
            visit(name)
    return found


@pytest.mark.parametrize("library", ONLY_IN)
def test_heavy_libraries_stay_in_their_folder(library):
    for name in modules():
        if any(other.split(".")[0] == library for other in imports(name)):
            assert folder_of(name) in ONLY_IN[library], name


def test_the_runtime_loads_neither_torch_nor_ros():
    code = (
        "import sys, nightseg_ros.cli.segment, nightseg_ros.cli.models;"
        "from nightseg_ros.perception.pipeline import Pipeline;"
        "print(sorted({'torch', 'rclpy', 'lightning', 'jinja2', 'psutil'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
