# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the README tells is what the code has: verbs, options, topics, launch arguments, files."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

from nightseg_ros.cli import main as cli

VERBS = cli.modules()


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def section(readme: str, title: str) -> str:
    """Return the text under a heading, down to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(title)}$", readme, re.MULTILINE)
    assert found, f"README.md has no section '{title}'"
    rest = readme[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def first_cells(text: str) -> set[str]:
    """Return the code in the first column of the tables of a text."""
    return set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE))


def commands(readme: str) -> list[list[str]]:
    """Return the commands of all bash blocks, split as a shell does, without comments."""
    lines = [
        line
        for block in re.findall(r"^```bash\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return [
        words
        for line in lines
        for part in re.split(r"&&|\|", line)
        if (words := shlex.split(part, comments=True))
    ]


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Return all options of a verb and of its sub-verbs."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found |= options(child)
    return found


def calls(file: Path) -> list[tuple[str, list[str]]]:
    """Return (function name, its literal text arguments) of all calls in a Python file."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            found.append((name, [text for text in texts if isinstance(text, str)]))
    return found


def test_every_verb_is_told_of(readme: str):
    assert first_cells(section(readme, "The nightseg command")) == {f"nightseg {v}" for v in VERBS}


def test_commands_are_ones_that_work(readme: str, repository: Path):
    """Each `nightseg` line parses as far as its verb and options go; make targets exist."""
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    seen = set()
    for words in commands(readme):
        program = words[0].rpartition("/")[2]
        if program == "make":
            assert words[1] in targets, words
        if program != "nightseg":
            continue
        verb = words[1]
        assert verb in VERBS, words
        seen.add(verb)
        module_name, summary = VERBS[verb]
        try:
            parser = cli.verb_parser(verb, importlib.import_module(module_name), summary)
        except ModuleNotFoundError:
            continue  # test_main tells of verbs that cannot be loaded here
        given = {word.partition("=")[0] for word in words[2:] if word.startswith("-")}
        assert given <= options(parser), f"{words}: no {given - options(parser)}"
    assert seen >= {"segment", "models", "doctor", "run", "train", "bench", "demo", "drive"}


def test_executables_and_ros_commands(readme: str, repository: Path):
    setup = (repository / "setup.py").read_text(encoding="utf-8")
    executables = set(re.findall(r'"(\w+) = nightseg_ros\.', setup))
    assert len(executables) == 3
    run = set(re.findall(r"ros2 run nightseg_ros (\S+)", readme))
    assert run == executables - {"nightseg"}
    launched = set(re.findall(r"ros2 launch nightseg_ros (\S+)", readme))
    assert launched == {file.name for file in (repository / "launch").glob("*.launch.py")}


def test_extras_exist(readme: str, repository: Path):
    setup = (repository / "setup.py").read_text(encoding="utf-8")
    named = {
        name for extras in re.findall(r"\.\[([a-z,-]+)\]", readme) for name in extras.split(",")
    }
    assert named >= {"ros", "train"}
    assert [name for name in named if f'"{name}": ' not in setup] == []


def declared(file: Path) -> set[str]:
    """Return the names of the arguments that a launch file declares."""
    return {texts[0] for name, texts in calls(file) if name == "DeclareLaunchArgument"}


def test_launch_arguments(readme: str, repository: Path):
    text = section(readme, "Launch arguments")
    for file in sorted((repository / "launch").glob("*.launch.py")):
        assert declared(file), file
        assert first_cells(section(text, f"`{file.name}`")) == declared(file)


def test_launch_arguments_in_commands(readme: str, repository: Path):
    launch = repository / "launch"
    for words in commands(readme):
        if words[:2] == ["ros2", "launch"]:
            # replay.launch.py includes nightseg.launch.py and so takes its arguments too.
            known = declared(launch / words[3]) | declared(launch / "nightseg.launch.py")
            assert {word.partition(":=")[0] for word in words[4:]} <= known, words


def test_topics(readme: str):
    """The topics of the segmentation node, from the tables its publishers are made from."""
    publishers = pytest.importorskip("nightseg_ros.ros.publishers")
    told = first_cells(section(readme, "Published by `segmentation_node`"))
    node = {f"~/{topic}" for topic in publishers.OUTPUTS}
    assert told == node | {"~/labels", "~/label_info", "~/debug/*_ms", "/diagnostics"}
    told = first_cells(section(readme, "Subscribed by `segmentation_node`"))
    assert told == {"image", "image/compressed", "camera_info"}


def test_debug_stages(readme: str):
    statistics = pytest.importorskip("nightseg_ros.ros.statistics")
    (row,) = (line for line in readme.splitlines() if line.startswith("| `~/debug/*_ms`"))
    assert set(re.findall(r"`(\w+)`", row.partition("*_ms`")[2])) == set(statistics.STAGES)


@pytest.mark.ros
def test_overlay_parameters(readme: str):
    from nightseg_ros.ros.overlay_settings import OverlaySettings
    from nightseg_ros.ros.parameter_docs import default, fields, kind, row

    told = {}
    for line in section(readme, "The overlay node, RViz and Foxglove").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 6 and cells[0].startswith("`"):
            told[cells[0].strip("`")] = (cells[1], cells[2].strip("`"), cells[3], cells[4])
    node = {}
    for field in fields(OverlaySettings):
        about, value = row(field), default(field)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        allowed = ", ".join(f"`{choice}`" for choice in about.choices)
        if about.low is not None and about.high is not None:
            allowed = f"{about.low:g} to {about.high:g}"
        runtime = "yes" if about.runtime else "no"
        node[field.name] = (kind(field), "['']" if value == () else text, allowed, runtime)
    assert told == node


def test_models(readme: str, repository: Path):
    told = first_cells(section(readme, "Models"))
    assert told == {file.parent.name for file in repository.glob("models/*/model.yaml")}


def test_recipes(readme: str, repository: Path):
    told = set(re.findall(r"config/recipes/(\w+)\.yaml", readme))
    assert told
    assert [
        name for name in told if not (repository / f"config/recipes/{name}.yaml").exists()
    ] == []


def test_links_lead_somewhere(readme: str, repository: Path):
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", readme, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", readme):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (repository / target).exists(), target
