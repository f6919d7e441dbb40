# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every promise names tests that hold it, and these tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

NAMED = re.compile(r"`(test/[\w/]+\.py)::(test_\w+)`")


def promises(repository: Path) -> dict[str, list[tuple[str, str]]]:
    """Return promise -> the tests that it names, as file and function."""
    text = (repository / "doc/explanation/promises.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| ")][1:]
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


def test_every_promised_test_runs_and_can_fail(repository):
    """None is skipped or expected to fail on every machine, and none is without a check."""
    for file, name in {test for tests in promises(repository).values() for test in tests}:
        tree = ast.parse((repository / file).read_text(encoding="utf-8"))
        (test,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
        marks = [ast.unparse(mark) for mark in test.decorator_list]
        assert not [m for m in marks if re.search(r"mark\.(skip|xfail)\b", m)], (file, name)
        text = ast.unparse(test)
        assert re.search(r"\bassert\b|raises\(|assert_\w+\(|\.until\(", text), (file, name)
