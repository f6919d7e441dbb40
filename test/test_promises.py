# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every promise of the README names tests that hold it, and these tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

NAMED = re.compile(r"`(test/[\w/]+\.py)::(test_\w+)`")


def promises(repository: Path) -> dict[str, list[tuple[str, str]]]:
    """Return promise -> the tests that it names, as file and function."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    table = text.partition("### What it promises\n")[2].partition("\n### ")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")][1:]
    return {row[1].strip(): NAMED.findall("|".join(row[2:])) for row in rows}


def test_every_promise_names_tests_that_exist(repository):
    found = promises(repository)
    assert len(found) > 15
    for promise, tests in found.items():
        assert tests, f"no test holds: {promise}"
        for file, name in tests:
            tree = ast.parse((repository / file).read_text(encoding="utf-8"))
            names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert name in names, f"{file} has no {name}"


def test_no_other_test_is_named_that_does_not_exist(repository):
    """Also outside the table."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"test/[\w/]+\.py", text))
    assert named
    assert [file for file in named if not (repository / file).is_file()] == []


def test_the_promises_that_were_asked_for_are_there(repository):
    text = " ".join(promises(repository)).lower()
    for word in ("stamp", "newest", "accounted", "bad image", "engine", "hash", "signed"):
        assert word in text
