# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The check of words finds them in texts and names, and says what to write instead."""

from __future__ import annotations

import doctest
import importlib.util

import pytest


@pytest.fixture(scope="module")
def check_words(repository):
    spec = importlib.util.spec_from_file_location(
        "check_words", repository / "tools/check_words.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_examples(check_words):
    done = doctest.testmod(check_words)
    assert done.attempted > 0
    assert done.failed == 0


def test_each_word_is_found_and_named_with_a_better_one(check_words, tmp_path, capsys):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page.md").write_text("It waits in\nvain.\n\nA Letter, but letterbox.\n")
    (tmp_path / "names.py").write_text("def first_chances(): ...\n\nclass TheChances: ...\n")
    (tmp_path / "image.bin").write_text("chances")
    assert check_words.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/names.py:1: 'chances': write probability; at random; significant",
        f"{tmp_path}/names.py:3: 'Chances': write probability; at random; significant",
        f"{tmp_path}/sub/page.md:1: 'in vain': write without effect; fails",
        f"{tmp_path}/sub/page.md:4: 'Letter': write Frame",
    ]


def test_plain_words_pass(check_words, tmp_path, capsys):
    (tmp_path / "page.md").write_text("Probabilities are logged and returned.\n")
    assert check_words.main([str(tmp_path), str(tmp_path / "page.md")]) == 0
    assert capsys.readouterr().out == ""
