# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Fills the templates of this folder; whatever is not Markup already is escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.files.text_table import cell


def render(file: str, **values: object) -> Markup:
    """Return a template, filled."""
    return Markup(_templates().get_template(file).render(values))  # noqa: S704 it escapes


def macro(file: str, name: str, *values: object, **named: object) -> Markup:
    """Return what a macro of a template makes of these values."""
    return Markup(getattr(_module(file), name)(*values, **named))  # noqa: S704 it escapes


def route_color(variant: str) -> str:
    """Return the CSS colour of a route, or of any other name."""
    return f"var(--{variant if variant in CHOICES else 'accent'})"


def rgb(color: Sequence[int]) -> str:
    """Return the colour of a label in CSS."""
    return f"rgb({','.join(map(str, color))})"


def data_url(picture: tuple[str, bytes]) -> str:
    """Return a picture, given by the ending of its file and its bytes, as an address."""
    ending, data = picture
    kind = "jpeg" if ending == "jpg" else ending
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("nightseg_ros.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (cell, route_color, rgb, data_url):
        environment.filters[function.__name__] = function
    return environment


@cache
def _module(file: str) -> Any:
    return _templates().get_template(file).module
