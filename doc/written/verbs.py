# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The verbs of `nightseg` with their options, from their own parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import cache

from nightseg_ros.cli.parsers import verb_parser
from nightseg_ros.cli.verbs import VERBS
from written.markdown import markdown_table, plain


@cache
def verb_parsers() -> dict[str, dict[str, argparse.ArgumentParser]]:
    """Return the complete parser of each verb, by group."""
    return {group: {name: verb_parser(name) for name in verbs} for group, verbs in VERBS.items()}


def verbs() -> str:
    """Return every option of every verb."""
    rows = [
        (group, ", ".join(f"[{verb}](#nightseg-{verb})" for verb in parsers))
        for group, parsers in verb_parsers().items()
    ]
    parts = [markdown_table(("group", "verbs"), rows)]
    for group, parsers in verb_parsers().items():
        parts.append(f"## {group}")
        for verb, parser in parsers.items():
            parts += verb_parts(f"nightseg {verb}", parser, "###")
    return "\n\n".join(parts)


def verb_parts(name: str, parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    """Return heading, description and options of a verb, and of its sub-verbs."""
    yield f"{heading} `{name}`"
    yield plain(parser.description or "")
    children: dict[str, argparse.ArgumentParser] = {}
    tables: dict[str, list[tuple[str, str]]] = {}
    for group in parser._action_groups:
        own = group not in (parser._positionals, parser._optionals)
        about = ": ".join(filter(None, (group.title, group.description))) if own else ""
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                children = action.choices
            elif not {"--help", "--json"} & {*action.option_strings}:
                tables.setdefault(about, []).append(_option_row(parser, action))
    for about, rows in tables.items():
        if about:
            yield plain(about[0].upper() + about[1:])
        yield markdown_table(("option", "meaning"), rows)
    if parser.epilog:
        yield f"```text\n{parser.epilog}\n```"
    for child_name, child in children.items():
        yield from verb_parts(f"{name} {child_name}", child, heading + "#")


def _option_row(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str]:
    formatter = argparse.HelpFormatter(parser.prog)
    name = ", ".join(action.option_strings)
    values = "" if action.nargs == 0 else _values(action)
    meaning = plain(formatter._expand_help(action)) if action.help else ""
    if action.choices:
        listed = ", ".join(f"`{choice}`" for choice in action.choices)
        meaning += f"{'; ' if meaning else ''}one of {listed}"
    if action.required and action.option_strings:
        meaning += " (required)"
    return f"`{f'{name} {values}'.strip()}`", meaning


def _values(action: argparse.Action) -> str:
    metavar = action.metavar
    if metavar is None:
        metavar = action.dest.upper() if action.option_strings else action.dest
    return " ".join(metavar) if isinstance(metavar, tuple) else metavar
