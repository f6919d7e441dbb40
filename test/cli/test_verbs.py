# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of verbs, and the walls between them."""

from __future__ import annotations

import ast
import dataclasses
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

import nightseg_ros
from nightseg_ros.cli.main import EXTRAS
from nightseg_ros.cli.parsers import parse, top_parser, verb_parser
from nightseg_ros.cli.verbs import EXAMPLES, VERBS, all_verbs, load, module_name

PACKAGE = Path(nightseg_ros.__file__).parent
LEAVES = {
    f"{name} {part}".strip(): leaf
    for name, verb in all_verbs().items()
    for part, leaf in (verb.parts or {"": verb}).items()
}
every_leaf = pytest.mark.parametrize("name", LEAVES)


def load_or_skip(name: str) -> ModuleType:
    """Import a verb; skip only for a package that an extra brings."""
    try:
        return load(name)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not any(missing in packages for packages in EXTRAS.values()):
            raise
    pytest.skip(f"{name} needs {missing}")


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@every_leaf
def test_a_verb_has_frozen_options_and_two_functions(name):
    module = load_or_skip(name)
    assert dataclasses.is_dataclass(module.Options)
    assert module.Options.__dataclass_params__.frozen
    assert callable(module.run)
    assert callable(module.render)


@every_leaf
def test_the_help_of_a_verb_ends_with_an_example_that_parses(name, capsys):
    load_or_skip(name)
    example = LEAVES[name].example
    words = shlex.split(example)
    assert example.startswith(name)
    assert parse(words).module is load(name)
    with pytest.raises(SystemExit):
        verb_parser(words[0]).parse_args([*name.split()[1:], "--help"])
    help_text = capsys.readouterr().out
    assert "--json" in help_text
    assert help_text.rstrip().endswith(f"example:\n  nightseg {example}")


def test_the_help_has_an_example_of_every_group():
    text = top_parser().format_help()
    for group, verbs in VERBS.items():
        block = text.partition(f"{group}:\n")[2].partition("\n\n")[0]
        (shown,) = [name for name in EXAMPLES if name in verbs]
        assert block.endswith(f"example: nightseg {verbs[shown].example}")


def test_every_verb_module_is_in_the_table():
    files = (PACKAGE / "cli").glob("*.py")
    run = re.compile(r"^def run\(\w+: Options\)", re.MULTILINE)
    names = {file.stem for file in files if run.search(file.read_text("utf-8"))}
    assert names == set(map(module_name, LEAVES))


def test_no_module_imports_a_verb():
    verbs = {f"nightseg_ros.cli.{module_name(name)}" for name in LEAVES}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ImportFrom) and node.module:
                named = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                assert not named & verbs, f"{file}:{node.lineno}"


def test_only_read_options_takes_a_namespace():
    takers = {
        (file.name, node.name)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef)
        and any(
            "Namespace" in ast.unparse(arg.annotation)
            for arg in ast.walk(node.args)
            if isinstance(arg, ast.arg) and arg.annotation
        )
    }
    assert takers == {("fields.py", "read_options")}
