#!/usr/bin/env python3
# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find the words that words.txt asks to avoid: `check_words.py FILE_OR_FOLDER ...`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

WORDS = Path(__file__).with_name("words.txt")
NAMING = ("words.md", "test_check_words.py")
"""The files that have to name what to avoid."""
KINDS = {".py", ".md", ".rst", ".yaml", ".yml", ".html", ".js"}
# Where a name goes on with its next word: first_chances, FirstChances.
JOINT = re.compile(r"_|(?<=[a-z])(?=[A-Z])")


def pairs(text: str) -> list[tuple[re.Pattern[str], str]]:
    r"""Return (what to avoid, what to prefer) of all lines.

    >>> [(avoid, prefer)] = pairs("in vain -> without effect")
    >>> bool(avoid.search("It waits in\nvain.")), prefer
    (True, 'without effect')
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for avoid, prefer in (line.split("->") for line in lines):
        pattern = r"\s+".join(avoid.split())
        case = 0 if any(letter.isupper() for letter in avoid) else re.IGNORECASE
        found.append((re.compile(rf"\b(?:{pattern})\b", case), prefer.strip()))
    return found


def offences(
    text: str, words: Iterable[tuple[re.Pattern[str], str]]
) -> Iterator[tuple[int, str, str]]:
    r"""Yield (line, word, what to prefer) of all that a text should say otherwise.

    >>> list(offences("a\nfirst_chances", pairs("chances -> probabilities")))
    [(2, 'chances', 'probabilities')]
    """
    apart = JOINT.sub(" ", text)
    for avoid, prefer in words:
        for match in avoid.finditer(apart):
            line = apart.count("\n", 0, match.start()) + 1
            yield line, " ".join(match[0].split()), prefer


def files(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the named files, and those of a kind with words in the named folders."""
    for path in map(Path, paths):
        if path.is_dir():
            found = (file for file in path.rglob("*") if file.suffix in KINDS)
            yield from sorted(file for file in found if file.name not in NAMING)
        else:
            yield path


def main(paths: list[str]) -> int:
    """Print `file:line: word: write ...` of each; return 1 where there is one."""
    words = pairs(WORDS.read_text(encoding="utf-8"))
    found = 0
    for file in files(paths):
        for line, word, prefer in sorted(offences(file.read_text(encoding="utf-8"), words)):
            print(f"{file}:{line}: '{word}': write {prefer}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
