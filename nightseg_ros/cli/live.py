# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay --live`: a recording played into a real ROS graph, and how the node bore it."""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from nightseg_ros.bundle import Bundle
from nightseg_ros.cli.plain import to_plain
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.excerpt import Excerpt
from nightseg_ros.evaluation.bags.source import Bag
from nightseg_ros.evaluation.live.film import RECORDED, TRANSPORTS, Film
from nightseg_ros.evaluation.live.record import keep_live
from nightseg_ros.routes import AUTO

RUNS = 7


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that `--live` brings."""
    group = parser.add_argument_group(
        "live", "play the recording into a real ROS graph and measure the node; needs ROS 2"
    )
    add = group.add_argument
    add("--live", action="store_true", help="measure rate, losses, latency, jitter, CPU, memory")
    add("--rate", type=float, default=1.0, metavar="X", help="speed; 1 is as recorded (default)")
    add(
        "--runs",
        type=int,
        default=RUNS,
        metavar="N",
        help=f"play it N times; of each figure the best and the worst run are left out from 3 on "
        f"(default {RUNS})",
    )
    add(
        "--seconds",
        type=float,
        default=0.0,
        metavar="S",
        help="play the first S seconds of the recording only (default: all of it)",
    )
    add(
        "--find-max-rate",
        action="store_true",
        help="search for the highest rate of images with less than 5 %% missed",
    )
    add(
        "--transport",
        choices=TRANSPORTS,
        default=RECORDED,
        help="send images as they were recorded, or all of them raw (default recorded)",
    )


def measure(
    args: argparse.Namespace, bag: Bag, cameras: Sequence[str], bundles: Mapping[str, Bundle]
) -> dict[str, Any]:
    """Measure as the options of `nightseg replay` say, write live.json where there is --out."""
    check(args)
    whole = Excerpt(bag, cameras, args.seconds) if args.seconds else bag
    live = play(
        whole,
        cameras,
        node_parameters(bundles, args),
        transport=args.transport,
        rate=args.rate,
        runs=args.runs,
        find_max_rate=args.find_max_rate,
    )
    live["route"] = args.route
    if args.seconds:
        live["notes"] = [f"the first {args.seconds:g} s of the recording"]
    plain: dict[str, Any] = to_plain(live)
    if args.out is not None:
        keep_live(args.out, plain)
    return plain


def check(args: argparse.Namespace) -> None:
    """Refuse what cannot be measured before anything is started."""
    unused = [f"--{name}" for name in ("gt", "masks", "write") if getattr(args, name)]
    if unused:
        raise NightsegError(f"--live does not use {', '.join(unused)}; leave it out")
    if args.out is not None and args.out.exists() and not args.out.is_dir():
        raise NightsegError(f"--out {args.out} is a file; name a folder")
    if importlib.util.find_spec("rclpy") is None:
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")
    if not 0.01 <= args.rate <= 100.0:
        raise NightsegError(f"--rate is {args.rate:g}; it must be from 0.01 to 100")
    if args.seconds < 0:
        raise NightsegError(f"--seconds is {args.seconds:g}; it must not be negative")
    check_runs(args.runs)


def check_runs(runs: int) -> None:
    """Refuse what is no number of runs."""
    if not 1 <= runs <= 1000:
        raise NightsegError(f"--runs is {runs}; it must be from 1 to 1000")


def node_parameters(bundles: Mapping[str, Bundle], args: argparse.Namespace) -> dict[str, object]:
    """Return the parameters that make the node run what the offline replay would run."""
    folders = {bundle.path.resolve().parent for bundle in bundles.values()}
    if len(folders) > 1:
        raise NightsegError(
            "the node takes all models from one folder, but these lie in "
            f"{', '.join(sorted(map(str, folders)))}; bring them together"
        )
    parameters: dict[str, object] = {
        "models_dir": str(folders.pop()),
        "engine": args.engine,
        "threads": args.threads,
        "require_gpu": args.require_gpu,
        "allow_build": args.allow_build,
        "route": args.route,
        "confidence_threshold": float(args.confidence_threshold),
        **{f"{role}_model": bundle.name for role, bundle in bundles.items()},
    }
    if args.route != AUTO:  # else it would hold models in memory that it never runs
        parameters["allowed_routes"] = [args.route]
    return parameters


def play(
    bag: Bag,
    cameras: Sequence[str],
    parameters: Mapping[str, object],
    *,
    transport: str = RECORDED,
    rate: float = 1.0,
    runs: int = 1,
    find_max_rate: bool = False,
    **plan: Any,
) -> dict[str, Any]:
    """Play into a graph, with a progress bar, and return the figures."""
    from nightseg_ros.ros.live_measure import LivePlan, measure_live

    # Told to stop by whoever started us: leave as after Ctrl-C, with the nodes stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    film = Film(bag, cameras, transport)
    with ExitStack() as stack:
        bar: list[Progress] = []
        last = ("", 0)

        def tell(what: str, done: int) -> None:
            nonlocal last
            if what.startswith("warm"):
                return
            if not bar:  # only now, so that the start of the node is not in the time left
                bar.append(stack.enter_context(Progress(film.frames * runs, "live")))
            if what.endswith("Hz"):  # how many trials there will be, nobody knows
                bar[0].total = None
            bar[0].advance(done - (last[1] if last[0] == what else 0), note=what)
            last = (what, done)

        live = measure_live(
            film,
            LivePlan(parameters, rate=rate, runs=runs, find_max_rate=find_max_rate, **plan),
            tell,
            _tell_domain,
        )
    if not live["summary"]["masks"]:
        raise NightsegError(f"no mask came back for {live['summary']['sent']:.0f} frames")
    return live


def _tell_domain(domain: str) -> None:
    where = f"ROS_DOMAIN_ID={domain} ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"
    print(f"nightseg: playing; look on with {where} rviz2", file=sys.stderr)
