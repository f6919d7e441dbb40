# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay --live`: play a recording into a real ROS graph and measure the node."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from nightseg_ros.bags.frames import camera_topics
from nightseg_ros.bags.source import Excerpt
from nightseg_ros.cli.options.models import model_parameters
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import to_plain
from nightseg_ros.replay.variants import ALL
from nightseg_ros.trials.live.film import RECORDED, Film
from nightseg_ros.trials.live.record import keep_live

if TYPE_CHECKING:
    from nightseg_ros.bags.source import Bag
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.cli.options.models import EngineOptions
    from nightseg_ros.cli.options.replay import LiveOptions, ReplayOptions


def measure(bag: Bag, options: ReplayOptions, live: LiveOptions) -> dict[str, Any]:
    """Measure a recording, write live.json where there is --out."""
    if options.route == ALL:
        raise NightsegError("--live measures one route, not all; name it with --route")
    check(options, live)
    route, bundles = options.models.choose(options.route)
    cameras = camera_topics(bag, options.topic)
    found = play(
        Excerpt(bag, cameras, live.seconds) if live.seconds else bag,
        cameras,
        node_parameters(
            route,
            bundles,
            options.engines,
            options.confidence_threshold,
            options.models.labels_as,
        )
        | {"drop_invalid": options.drop_invalid},
        transport=live.transport,
        rate=live.rate,
        runs=live.runs,
        find_max_rate=live.find_max_rate,
    )
    found["route"] = route
    if live.seconds:
        found["notes"] = [f"the first {live.seconds:g} s of the recording"]
    plain: dict[str, Any] = to_plain(found)
    if options.out is not None:
        keep_live(options.out, plain)
    return plain


def check(options: ReplayOptions, live: LiveOptions) -> None:
    """Refuse what cannot be measured before anything is started."""
    given = {"gt": options.gt, "masks": options.masks, "write": options.write}
    unused = [f"--{name}" for name, value in given.items() if value]
    if unused:
        raise NightsegError(f"--live does not use {', '.join(unused)}; leave it out")
    if importlib.util.find_spec("rclpy") is None:
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")
    if not 0.01 <= live.rate <= 100.0:
        raise NightsegError(f"--rate is {live.rate:g}; it must be from 0.01 to 100")
    if live.seconds < 0:
        raise NightsegError(f"--seconds is {live.seconds:g}; it must not be negative")
    check_runs(live.runs)


def check_runs(runs: int) -> None:
    """Refuse what is no number of runs."""
    if not 1 <= runs <= 1000:
        raise NightsegError(f"--runs is {runs}; it must be from 1 to 1000")


def node_parameters(
    route: str,
    bundles: Mapping[str, Bundle],
    engines: EngineOptions,
    confidence_threshold: float = 0.0,
    labels_as: str = "",
) -> dict[str, object]:
    """Return the parameters that make the node run what the offline replay would run."""
    return {
        **vars(engines),
        "route": route,
        "confidence_threshold": float(confidence_threshold),
        **model_parameters(route, bundles, labels_as),
    }


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
    from nightseg_ros.trials.live.measure import LivePlan, measure_live

    # SIGTERM ends as Ctrl-C does, with the nodes stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    film = Film(bag, cameras, transport)
    with ExitStack() as stack:
        bar: list[Progress] = []
        last = ("", 0)

        def advance(what: str, done: int) -> None:
            nonlocal last
            if what.startswith("warm"):
                return
            if not bar:  # only now, so that the start of the node is not in the time left
                bar.append(stack.enter_context(Progress(film.frames * runs, "live")))
            if what.endswith("Hz"):  # the number of trials is not known
                bar[0].total = None
            bar[0].advance(done - (last[1] if last[0] == what else 0), note=what)
            last = (what, done)

        live = measure_live(
            film,
            LivePlan(parameters, rate=rate, runs=runs, find_max_rate=find_max_rate, **plan),
            advance,
            _print_domain,
        )
    if not live["summary"]["masks"]:
        raise NightsegError(f"no mask came back for {live['summary']['sent']:.0f} frames")
    return live


def _print_domain(domain: str) -> None:
    where = f"ROS_DOMAIN_ID={domain} ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST"
    print(f"nightseg: playing; watch with {where} rviz2", file=sys.stderr)
