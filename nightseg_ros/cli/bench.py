# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench WHAT`: measurements; each is a module with the three functions of a verb."""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType

BENCHES = {
    "node": ("nightseg_ros.cli.bench_node", "overhead, latency, age and drops of the node"),
    "start": ("nightseg_ros.cli.bench_start", "cold starts of the node, until it is configured"),
    "replay": ("nightseg_ros.cli.bench_replay", "engine share and memory of a long replay"),
    "engines": ("nightseg_ros.cli.bench_engines", "speed and memory of every engine and model"),
    "peers": ("nightseg_ros.cli.bench_peers", "speed of well-known networks beside ours"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of every measurement."""
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for what, (_, summary) in BENCHES.items():
        child = choices.add_parser(what, help=summary, description=summary.capitalize() + ".")
        _module(what).add_arguments(child)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run one measurement."""
    result: dict[str, object] = _module(args.what).run(args)
    return {"bench": args.what, **result}


def render(result: dict[str, object]) -> str:
    """Return its figures as text."""
    return str(_module(str(result["bench"])).render(result))


def _module(what: str) -> ModuleType:
    return importlib.import_module(BENCHES[what][0])
