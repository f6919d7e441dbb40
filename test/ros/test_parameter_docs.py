# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""config/nightseg.yaml and the README say exactly what the table of parameters says."""

from __future__ import annotations

import pytest
import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros import parameter_docs
from nightseg_ros.ros.parameter_table import fields, ros_name
from nightseg_ros.ros.settings import Settings

REMEDY = f"run `{parameter_docs.REMEDY}`"


def flat(tree, prefix=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def test_yaml_is_up_to_date(repository):
    text = (repository / "config" / "nightseg.yaml").read_text(encoding="utf-8")
    assert text == parameter_docs.render_yaml(), REMEDY


def test_yaml_holds_the_defaults():
    values = dict(flat(yaml.safe_load(parameter_docs.render_yaml())["/**"]["ros__parameters"]))
    assert list(values) == [ros_name(field) for field in fields(Settings)]
    assert Settings.of(values) == Settings()


def test_readme_is_up_to_date(repository):
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert text == parameter_docs.replace_section(text), REMEDY


@pytest.mark.parametrize("end", ["<!-- /parameters -->", "<!-- parameters -->"])
def test_only_the_section_of_the_readme_is_replaced(end):
    text = parameter_docs.replace_section(f"before\n<!-- parameters -->\nobsolete\n{end}\nafter\n")
    assert text.startswith("before\n<!-- parameters -->\n| parameter |")
    assert text.endswith(f"|\n{end}\nafter\n")
    assert "obsolete" not in text
    assert parameter_docs.replace_section(text) == text


def test_readme_without_the_section_is_an_error():
    with pytest.raises(NightsegError, match="lacks"):
        parameter_docs.replace_section("# README\n")


def test_both_files_are_written(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "README.md").write_text("<!-- parameters --><!-- /parameters -->")
    parameter_docs.write(tmp_path)
    assert (tmp_path / "config/nightseg.yaml").read_text() == parameter_docs.render_yaml()
    assert parameter_docs.render_markdown() in (tmp_path / "README.md").read_text()
