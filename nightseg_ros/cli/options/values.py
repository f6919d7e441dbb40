# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What several verbs read from a word: image sizes, and the folder of the data sets."""

from __future__ import annotations

import argparse
import os
from typing import Any

from nightseg_ros.cli.options.fields import option


def data_option(text: str = "what {data} stands for") -> Any:
    """Return the option --data; its default is the environment variable NIGHTSEG_DATA."""
    return option(text, factory=lambda: os.environ.get("NIGHTSEG_DATA", ""))


def parse_size(text: str) -> tuple[int, int]:
    """Return (width, height) of a text WIDTHxHEIGHT.

    >>> parse_size("640x360")
    (640, 360)
    """
    width, cross, height = text.lower().partition("x")
    if not cross or not width.isdigit() or not height.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no size; write WIDTHxHEIGHT, as 480x272")
    return int(width), int(height)


def image_size(text: str) -> tuple[int, int]:
    """Return (height, width) of a text WIDTHxHEIGHT, in the order of an array's shape.

    >>> image_size("480x272")
    (272, 480)
    """
    width, height = parse_size(text)
    return height, width
