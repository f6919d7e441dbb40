# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The options that choose an engine, the same for every verb that runs models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.select import ENGINES, create_engines
from nightseg_ros.errors import NightsegError


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add --engine and what goes with it."""
    add = parser.add_argument
    add(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="what runs the models (default: auto, the fastest that can run here)",
    )
    add(
        "--threads",
        type=int,
        default=0,
        metavar="N",
        help="CPU threads of an engine; 0 is one per core",
    )
    add("--require-gpu", action="store_true", help="fail rather than run on the CPU")
    add(
        "--allow-build",
        action="store_true",
        help="build an engine for the GPU that is not in the engine cache; it may take minutes",
    )


def chosen_engines(bundles: Mapping[str, Bundle], args: argparse.Namespace) -> dict[str, Engine]:
    """Return the engines of `bundles`; on stderr, why one is not what could be expected."""
    if args.threads < 0:
        raise NightsegError(f"--threads is {args.threads}; it must be 0 or more")
    engines = create_engines(
        bundles,
        args.engine,
        threads=args.threads,
        require_gpu=args.require_gpu,
        allow_build=args.allow_build,
        say=_say if args.allow_build else lambda line: None,
    )
    for text in dict.fromkeys(engine.info.fallback_reason for engine in engines.values()):
        if text:
            _say(f"FALLBACK: {text}")
    return engines


def _say(line: str) -> None:
    print(f"nightseg: {line}", file=sys.stderr)
