# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Verbs of `nightseg` called in this process, with their results as they are."""

from __future__ import annotations

from typing import Any

from nightseg_ros.cli.parsers import parse


def parsed(*words: object) -> Any:
    """Return the options of a command line."""
    return parse([str(word) for word in words]).options


def run(*words: object) -> Any:
    """Return the result of a verb."""
    call = parse([str(word) for word in words])
    return call.module.run(call.options)
