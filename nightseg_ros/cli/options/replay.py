# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Options of a replay of a recording; `nightseg demo` and `bench replay` replay too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.cli.options.fields import Group, flag, nested, option
from nightseg_ros.cli.options.models import ROUTE_HELP, EngineOptions, ModelOptions
from nightseg_ros.replay.variants import ALL
from nightseg_ros.trials.live.film import RECORDED, TRANSPORTS

RUNS = 7
LIVE = Group("live", "play the recording into a real ROS graph and measure the node; needs ROS 2")


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """How a recording is replayed, and what is written of it."""

    out: Path | None = option("where replay.json and others go", None, metavar="DIR", fills=True)
    topic: tuple[str, ...] = option(
        "camera topic; may be repeated (default: all images that are no masks)", (), metavar="NAME"
    )
    route: str | None = option(
        f"{ROUTE_HELP}; all compares all routes and auto", None, choices=(*CHOICES, ALL)
    )
    gt: tuple[str, ...] = option(
        "ground truth: a mono8 topic with the stamps of the images, or a folder of "
        "<stamp in ns>.png; may be repeated",
        (),
        metavar="[CAMERA=]TOPIC|DIR",
    )
    gt_labels: str = option(
        "label set of the ground truth (default cityscapes19)", "cityscapes19", metavar="NAME"
    )
    label_set: str | None = option(
        "label set to score in (default: the finest possible)", None, metavar="NAME"
    )
    bootstrap: int = option("rounds for the 95 %% interval", 1000, metavar="N")
    masks: bool = flag("write masks/CAMERA/<stamp in ns>.png, CAMERA a__b for the topic /a/b")
    write: Path | None = option(
        "write mask, overlay, route and diagnostics with the stamps of the images to a bag; "
        "such a replay always runs from the first frame",
        None,
        metavar="OUT.mcap",
    )
    models: ModelOptions = nested(ModelOptions)
    engines: EngineOptions = nested(EngineOptions)
    confidence_threshold: float = option(
        "pixels below it become 255, unlabelled (default: 0, keep all)", 0.0, metavar="0..1"
    )
    stabilise: bool = flag(
        "hold masks still, as the node's parameter does; such a replay always runs from the first "
        "frame"
    )
    drop_invalid: bool = flag("what a covered or dazzled camera does not show becomes 255, too")


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How a recording is played into a real graph."""

    live: bool = flag("measure rate, dropped frames, latency, jitter, CPU, memory", group=LIVE)
    rate: float = option("speed; 1 is as recorded (default)", 1.0, metavar="X", group=LIVE)
    runs: int = option(
        "play it N times; of each figure the best and the worst run are left out from 3 on "
        f"(default {RUNS})",
        RUNS,
        metavar="N",
        group=LIVE,
    )
    seconds: float = option(
        "play the first S seconds of the recording only (default: all of it)",
        0.0,
        metavar="S",
        group=LIVE,
    )
    find_max_rate: bool = flag(
        "search for the highest rate of images with less than 5 %% missed", group=LIVE
    )
    transport: str = option(
        "send images as they were recorded, or all of them raw (default recorded)",
        RECORDED,
        choices=TRANSPORTS,
        group=LIVE,
    )
