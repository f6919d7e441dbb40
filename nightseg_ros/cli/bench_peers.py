# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench peers`: the speed of well-known networks beside ours, all with random weights."""

from __future__ import annotations

import argparse
from typing import Any

from nightseg_ros.cli import bench_engines
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.engine_bench.bench import Plan
from nightseg_ros.evaluation.engine_bench.networks import FAST, FULL, made_network
from nightseg_ros.evaluation.engine_bench.run import Task, default_engines

NOTE = "random weights throughout: this compares speeds, and says nothing about accuracy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this measurement."""
    parser.add_argument(
        "--size",
        type=image_size,
        default="480x272",
        metavar="WxH",
        help="size of the networks' input (default: 480x272)",
    )
    bench_engines.add_common_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure."""
    plan = Plan(args.rounds, args.seconds, threads=args.threads)
    export = bench_engines.exporter()
    if export is None:
        raise NightsegError("the peers are made by torch: pip install '.[train]'")
    from nightseg_ros.learning.networks.peers import PEERS

    ours = [made_network(architecture) for architecture in (FULL, FAST)]
    peers = [made_network({"name": name, "label": label}) for name, label in PEERS.items()]
    engines = args.engines or [name for name in default_engines() if "int8" not in name]
    task = Task([*ours, *peers], [(args.size, 1)], engines, plan)
    return bench_engines.measured(task, export, args.out, "bench_peers", [NOTE])


def render(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return bench_engines.render(result)
