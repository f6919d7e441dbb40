# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""YAML from strangers is plain data, or refused before it costs time or memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.plain_yaml import MAX_BYTES, MAX_DEPTH, plain_value, read_plain_yaml

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:1:1", "1:1:1"),
        ("1:30.5", "1:30.5"),
        ("2026-01-31", "2026-01-31"),
        ("9" * 5000, "9" * 5000),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ("=", "="),
        ("'1'", "1"),
        ("-12", -12),
        ("1.5e-3", 0.0015),
        ("0x1f", 31),
        ("~", None),
        ("off", False),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
    ],
)
def test_only_plain_numbers_are_numbers(text: str, value: Any) -> None:
    found = plain_value(text)
    assert found == value
    assert type(found) is type(value)


def test_a_number_to_the_base_of_60_as_large_as_a_file_is_a_text() -> None:
    text = ":".join(["1"] * (MAX_BYTES // 2))
    assert plain_value(text) == text


@pytest.mark.parametrize("text", ["[" * 60_000, "{a: " * 15_000, "- " * 30_000], ids=len)
def test_brackets_without_end_are_refused_after_a_few_of_them(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    forward, read = yaml.reader.Reader.forward, []

    def counted(reader: yaml.reader.Reader, length: int = 1) -> None:
        read.append(length)
        forward(reader, length)

    monkeypatch.setattr(yaml.reader.Reader, "forward", counted)
    with pytest.raises(NightsegError, match=f"nested deeper than {MAX_DEPTH}"):
        plain_value(text)
    assert sum(read) < 5000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("!!int '1:1'", "tags"),
        ("!!timestamp 2026-01-31", "tags"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("? [a]\n: b", "unhashable key"),
        ("{", "not plain YAML"),
    ],
)
def test_what_is_not_plain_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(NightsegError, match=reason) as caught:
        plain_value(text)
    assert "\n" not in str(caught.value)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("a: 1".ljust(MAX_BYTES))
    assert read_plain_yaml(path) == {"a": 1}
    path.write_text("a: 1".ljust(MAX_BYTES + 1))
    with pytest.raises(NightsegError, match=f"larger than {MAX_BYTES} bytes"):
        read_plain_yaml(path)


@pytest.mark.parametrize(
    "file",
    [*REPOSITORY.glob("models/*/model.yaml"), *REPOSITORY.glob("config/recipes/*.yaml")],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_what_we_ship_means_the_same_to_the_plain_reader(file: Path) -> None:
    assert file.stat().st_size < MAX_BYTES / 2
    assert read_plain_yaml(file) == yaml.safe_load(file.read_text(encoding="utf-8"))
