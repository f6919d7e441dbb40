# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The files that are written from the code are up to date, and say what the code says."""

from __future__ import annotations

import argparse
import ast
import doctest

import pytest
import reference_pages
import written.markdown
import yaml
from written.launch import launch_arguments
from written.models import milliseconds
from written.recipes import recipe_head
from written.verbs import verb_parts

from nightseg_ros.ros.parameter_table import fields, ros_name
from nightseg_ros.ros.settings import Settings

WRITTEN = reference_pages.written()


def flat(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


@pytest.mark.parametrize("file", WRITTEN)
def test_file_is_up_to_date(file, repository):
    text = (repository / file).read_text(encoding="utf-8")
    assert text == WRITTEN[file], f"run `{reference_pages.COMMAND}`"


def test_doctests():
    assert doctest.testmod(written.markdown).failed == 0


def test_the_parameter_file_holds_the_defaults():
    tree = yaml.safe_load(WRITTEN["config/nightseg.yaml"])["/**"]["ros__parameters"]
    values = dict(flat(tree))
    assert list(values) == [ros_name(field) for field in fields(Settings)]
    assert Settings.of(values) == Settings()


def test_launch_arguments_with_names_lists_and_paths():
    tree = ast.parse(
        'A, CONFIG = 1, 2\nSWITCH = ["on", "off"]\nFOLDER = share_folder("config")\n'
        'DeclareLaunchArgument("file", default_value=str(FOLDER / "a.yaml"), description="A *.")\n'
        'DeclareLaunchArgument("led", default_value="", choices=SWITCH, description="A " "b")\n'
        'DeclareLaunchArgument("bag", description="Needed")\n'
    )
    assert list(launch_arguments(tree)) == [
        ("`file`", "`config/a.yaml`", "", r"A \*."),
        ("`led`", "empty", "`on`, `off`", "A b"),
        ("`bag`", "required", "", "Needed"),
    ]


def test_options_of_a_verb_with_groups_and_sub_verbs():
    parser = argparse.ArgumentParser(prog="nightseg try", description="Try <it>.")
    actions = parser.add_subparsers(metavar="WHAT")
    child = actions.add_parser("one", description="One.")
    child.add_argument("--size", required=True, metavar="WxH", help="of %(prog)s")
    child.add_argument_group("of the drive", "only then").add_argument(
        "--kind", choices=("a", "b"), help="which"
    )
    page = "\n".join(verb_parts("nightseg try", parser, "###"))
    assert page.startswith("### `nightseg try`\nTry \\<it>.\n")
    assert "\n#### `nightseg try one`\n" in page
    assert "| `--size WxH` | of nightseg try one (required) |" in page
    assert "Of the drive: only then\n| option | meaning |" in page
    assert "| `--kind KIND` | which; one of `a`, `b` |" in page
    assert "--help" not in page


def test_the_head_of_a_recipe_is_prose_and_commands():
    text = "# One\n# two.\n#   nightseg a \\\n#     --b\n# Three.\nname: x\n# no head\n"
    assert list(recipe_head(text)) == [
        "One two.",
        "```bash\nnightseg a \\\n  --b\n```",
        "Three.",
    ]


def test_only_the_parts_of_a_page_are_replaced():
    page = "a\n<!-- parameters -->\nobsolete\n<!-- /parameters -->\nb <!-- a remark -->\n"
    text = reference_pages.with_parts(page)
    assert text.startswith("a\n<!-- parameters -->\n\n| parameter |")
    assert text.endswith("|\n\n<!-- /parameters -->\nb <!-- a remark -->\n")
    assert "obsolete" not in text
    assert reference_pages.with_parts(text) == text


def test_a_translator_costs_the_day_model_too():
    times = {"day": {"ms": {"e": 61.6}}, "n2d": {"behind": "day", "ms": {"e": 9.2}}}
    assert milliseconds("n2d", times, "e") == "9 + 62"
    assert milliseconds("n2d", times, "other") == "-"
    assert milliseconds("new", times, "e") == "-"
