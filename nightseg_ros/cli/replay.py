# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay`: the pipeline of the node over every frame of a recorded drive; no ROS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bags.find import find_bags
from nightseg_ros.bags.video import open_recording
from nightseg_ros.cli.live import measure
from nightseg_ros.cli.options.fields import argument, nested
from nightseg_ros.cli.options.replay import LiveOptions, ReplayOptions
from nightseg_ros.cli.replay_bag import replay_job, run_job
from nightseg_ros.cli.replay_many import ManyOptions, replay_many
from nightseg_ros.errors import NightsegError
from nightseg_ros.replay.many import render_many
from nightseg_ros.replay.summary import render_replay
from nightseg_ros.report.live_text import render_live


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg replay`."""

    bag: tuple[Path, ...] = argument(
        "rosbag2 folders, .mcap or .db3 files, videos; also patterns, and folders of bags"
    )
    replay: ReplayOptions = nested(ReplayOptions)
    many: ManyOptions = nested(ManyOptions)
    live: LiveOptions = nested(LiveOptions)


def run(options: Options) -> dict[str, object]:
    """Replay the bag, or all of them."""
    bags = find_bags(options.bag, options.replay.out)
    several = len(options.bag) > 1 or len(bags) > 1 or bags[0] != options.bag[0]
    if not options.live.live and (several or options.many.asked):
        return replay_many(bags, options.replay, options.many)
    if len(bags) > 1:
        raise NightsegError(f"--live plays one bag, not {len(bags)}; name one")
    bag = open_recording(bags[0])
    if options.live.live:
        return measure(bag, options.replay, options.live)
    job = replay_job(bag, options.replay)
    with options.replay.engines.running(job.bundles) as engines:
        return run_job(job, engines)


def render(result: dict[str, Any]) -> str:
    """Return the summary."""
    if "bags" in result:
        return render_many(result)
    return render_live(result) if "runs_kept" in result else render_replay(result)
