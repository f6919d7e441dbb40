# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What README.md and the pages of doc/ say is what the code has: commands, names, files, links."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from written.verbs import verb_parsers

from nightseg_ros.ros.overlay_settings import OverlaySettings
from nightseg_ros.ros.parameter_table import fields, ros_name
from nightseg_ros.ros.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PAGES = {
    str(file.relative_to(REPOSITORY)): file.read_text(encoding="utf-8")
    for file in (
        REPOSITORY / "README.md",
        REPOSITORY / "CONTRIBUTING.md",
        REPOSITORY / "QUALITY_DECLARATION.md",
        *sorted((REPOSITORY / "doc").rglob("*.md")),
    )
}
PLACEHOLDER = re.compile(r"[A-Z]{2,}|<")
"""What stands for a name in a command that is not one to copy, as in `nightseg VERB`."""
MAX_README_LINES, MAX_README_BYTES = 200, 12 * 1024

every_page = pytest.mark.parametrize("page", PAGES)


def prose(page: str) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)


def block_commands(page: str) -> list[list[str]]:
    """Return the commands of all bash blocks, split as a shell does, without comments."""
    lines = [
        line
        for block in re.findall(r"^```bash\n(.*?)^```", PAGES[page], re.MULTILINE | re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return [
        words
        for line in lines
        for part in re.split(r"&&|\|", line)
        if (words := shlex.split(part, comments=True))
    ]


def inline_commands(page: str) -> list[list[str]]:
    """Return the commands in the prose; they may be cut short."""
    spans = re.findall(r"`([^`]+)`", prose(page))
    return [
        " ".join(span.split()).split()
        for span in spans
        if span.startswith(("nightseg ", "make ", "ros2 ")) and not PLACEHOLDER.search(span)
    ]


def verb_parser(verb: str) -> argparse.ArgumentParser:
    """Return the complete parser of a verb."""
    parsers = {name: p for group in verb_parsers().values() for name, p in group.items()}
    assert verb in parsers, f"`nightseg {verb}` does not exist"
    return parsers[verb]


def option_names(parser: argparse.ArgumentParser) -> set[str]:
    """Return all options of a verb and of its sub-verbs."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found |= option_names(child)
    return found


def launch_arguments(*names: str) -> set[str]:
    """Return the arguments that launch files declare."""
    return {
        str(ast.literal_eval(node.args[0]))
        for name in names
        for node in ast.walk(ast.parse((REPOSITORY / "launch" / name).read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "DeclareLaunchArgument"
    }


def section(page: str, title: str) -> str:
    """Return the text under a heading, down to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(title)}$", PAGES[page], re.MULTILINE)
    assert found, f"{page} has no section '{title}'"
    rest = PAGES[page][found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_cells(text: str) -> set[str]:
    """Return the code in the first column of the tables of a text."""
    return set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def anchors(page: str) -> set[str]:
    """Return the anchors of the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", PAGES[page], re.MULTILINE)
    }


@every_page
def test_nightseg_commands_parse(page: str, capsys: pytest.CaptureFixture[str]):
    parameters = {
        ros_name(field) for table in (Settings, OverlaySettings) for field in fields(table)
    }
    for words in block_commands(page):
        if words[:3] == ["ros2", "run", "nightseg_ros"] and words[3] == "nightseg":
            words = words[3:]
        if words[0] != "nightseg":
            continue
        try:
            args = verb_parser(words[1]).parse_args(words[2:])
        except SystemExit:
            pytest.fail(f"{shlex.join(words)}: {capsys.readouterr().err}")
        if words[1] == "run":
            named = {assignment.partition("=")[0] for assignment in args.set}
            assert named <= parameters, words


@every_page
def test_commands_in_the_prose_exist(page: str):
    targets = re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for words in [*inline_commands(page), *block_commands(page)]:
        if words[0] == "make":
            assert words[1] in targets, words
        if words[0] == "nightseg":
            given = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
            assert given <= option_names(verb_parser(words[1])), words


@every_page
def test_ros_commands_exist(page: str):
    executables = re.findall(r'"(\w+) = nightseg_ros\.', (REPOSITORY / "setup.py").read_text())
    for words in [*inline_commands(page), *block_commands(page)]:
        if words[:3] == ["ros2", "run", "nightseg_ros"] and words[3:]:
            assert words[3] in executables, words
        if words[:3] == ["ros2", "launch", "nightseg_ros"]:
            # replay.launch.py includes nightseg.launch.py and so takes its arguments too.
            known = launch_arguments(words[3], "nightseg.launch.py")
            assert {word.partition(":=")[0] for word in words[4:]} <= known, words


@every_page
def test_extras_exist(page: str):
    setup = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    for extras in re.findall(r"pip install '\.\[([a-z,-]+)\]'", PAGES[page]):
        assert [name for name in extras.split(",") if f'"{name}": ' not in setup] == []


def test_every_extra_is_listed():
    setup = (REPOSITORY / "setup.py").read_text(encoding="utf-8")
    block = setup.partition("extras_require={")[2].partition("entry_points=")[0]
    extras = set(re.findall(r'^        "([\w-]+)": ', block, re.MULTILINE))
    table = section("doc/getting_started/installation.md", "Extras")
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row)} == extras


@every_page
def test_files_that_are_named_exist(page: str):
    roots = "config|doc|launch|nightseg_ros|test"
    for name in re.findall(rf"(?<![\w./:-])(?:{roots})/[\w./-]+", PAGES[page]):
        if "NAME" not in name and "MINE" not in name:  # which the reader fills in
            assert (REPOSITORY / name.rstrip(".")).exists(), name


@every_page
def test_modules_that_are_named_exist(page: str):
    for name in re.findall(r"(?<![\w/])nightseg_ros(?:\.[a-z_]+)+", PAGES[page]):
        file = REPOSITORY.joinpath(*name.split("."))
        shorter = file.parent  # the last part may be a function
        assert any(x.is_dir() or x.with_suffix(".py").is_file() for x in (file, shorter)), name


@every_page
def test_links_lead_somewhere(page: str):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert file.exists(), target
        if anchor:
            linked = str(file.resolve().relative_to(REPOSITORY))
            assert anchor in anchors(linked), target


def test_readme_is_short():
    text = PAGES["README.md"]
    assert len(text.splitlines()) < MAX_README_LINES
    assert len(text.encode()) < MAX_README_BYTES


def test_topics():
    """The topics of the segmentation node, from the tables its publishers are made from."""
    publishers = pytest.importorskip("nightseg_ros.ros.publishers")
    page = "doc/reference/topics.md"
    node = {f"~/{topic}" for topic in publishers.OUTPUTS}
    node |= {"~/labels", "~/label_info", "~/debug/*_ms", "/diagnostics"}
    listed, stages = section(page, "Published by `segmentation_node`").split("Stages of")
    assert first_cells(listed) == node
    assert first_cells(stages) == set(pytest.importorskip("nightseg_ros.ros.statistics").STAGES)
    subscribed = first_cells(section(page, "Subscribed by `segmentation_node`"))
    assert subscribed == {"image", "image/compressed", "camera_info", "/tf"}


def test_model_yaml():
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.bundles.calibration import Calibration

    model = Bundle.load(REPOSITORY / "models" / "erf_pspnet_day", verify=False)
    calibration = Calibration((0.5,), (1.0,), ())
    keys = replace(model, also=("night",), calibration=calibration).to_dict()
    assert first_cells(section("doc/reference/model_folder.md", "`model.yaml`")) == {*keys}


def test_packages():
    folders = {file.parent.name for file in (REPOSITORY / "nightseg_ros").glob("*/__init__.py")}
    assert first_cells(section("doc/explanation/architecture.md", "The packages")) == folders


def test_engines():
    from nightseg_ros.engines.select import ENGINES

    assert first_cells(PAGES["doc/how_to/engines.md"]) == set(ENGINES)


def test_every_page_is_in_the_table_of_contents():
    index = (REPOSITORY / "doc" / "index.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   ([a-z_]+/[a-z0-9_]+)$", index, re.MULTILINE))
    pages = {page[4:].removesuffix(".md") for page in PAGES if page.startswith("doc/")}
    assert pages == listed
