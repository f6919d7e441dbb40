# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parsers of `nightseg`, made from the table of verbs and the options of each verb."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from nightseg_ros import __version__
from nightseg_ros.cli.options.fields import add_options, read_options
from nightseg_ros.cli.verbs import EXAMPLES, VERBS, Verb, all_verbs, load

EXIT_ERROR = 2


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line; its sub-parsers are of the same class."""

    def error(self, message: str) -> NoReturn:
        """Print what was wrong in one line and leave with exit code 2."""
        self.exit(EXIT_ERROR, f"{self.prog}: error: {message}; see `{self.prog} --help`\n")


class Formatter(argparse.HelpFormatter):
    """Wraps a text of one line, and leaves one alone that has line breaks of its own."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


class Call(NamedTuple):
    """A command line that was parsed."""

    module: ModuleType
    options: Any
    json: bool


def top_parser() -> Parser:
    """Return the parser of what stands before the verb; it knows the verbs by name only."""
    lines = []
    for group, verbs in VERBS.items():
        lines.append(f"{group}:")
        lines += [f"  {name:<12} {verb.summary}" for name, verb in verbs.items()]
        lines += [
            f"  example: nightseg {verbs[name].example}" for name in EXAMPLES if name in verbs
        ]
        lines.append("")
    lines.append("`nightseg VERB --help` lists the options of a verb. Every verb takes --json.")
    lines.append("NIGHTSEG_DEBUG=1 shows the traceback of an error.")
    parser = Parser(
        prog="nightseg",
        usage="nightseg [--help] [--version] VERB ...",
        description="Semantic segmentation for cameras that must also see at night.",
        epilog="\n".join(lines),
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action="version", version=f"nightseg_ros {__version__}")
    return parser


def verb_parser(name: str) -> Parser:
    """Return the complete parser of one verb."""
    parser = Parser(prog=f"nightseg {name}", formatter_class=Formatter)
    _fill(parser, name, all_verbs()[name])
    return parser


def _fill(parser: argparse.ArgumentParser, name: str, verb: Verb) -> None:
    """Give a parser the description, the options or parts, and the example of a verb."""
    parser.description = f"{verb.summary[0].upper()}{verb.summary[1:]}."
    lines = []
    if verb.parts:
        chosen = parser.add_subparsers(dest="part", metavar="WHAT", required=True)
        for word, part in verb.parts.items():
            child = chosen.add_parser(word, help=part.summary, formatter_class=Formatter)
            _fill(child, f"{name} {word}", part)
    else:
        module = load(name)
        add_options(parser, module.Options)
        parser.description = getattr(module, "ABOUT", parser.description)
        lines += [module.NOTES, ""] if hasattr(module, "NOTES") else []
    lines.append("examples:" if verb.parts else "example:")
    lines += [f"  nightseg {shown.example}" for shown in verb.parts.values() or [verb]]
    parser.epilog = "\n".join(lines)
    # Without SUPPRESS the default of a part would undo `nightseg bench --json node`.
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print the result as JSON"
    )


def parse(argv: Sequence[str]) -> Call:
    """Return the module of the verb that argv names, and its options."""
    args = verb_parser(argv[0]).parse_args(argv[1:])
    module = load(f"{argv[0]} {args.part}" if "part" in args else argv[0])
    return Call(module, read_options(module.Options, args), getattr(args, "json", False))
