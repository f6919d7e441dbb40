# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg view`: a recording and what the pipeline makes of it, in the Rerun viewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nightseg_ros.bags.find import is_bag
from nightseg_ros.bags.frames import FrameReader, camera_name, camera_topics
from nightseg_ros.bags.video import open_recording
from nightseg_ros.bundles.bundle import calibrations
from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.cli.options.fields import argument, nested, option
from nightseg_ros.cli.options.models import ROUTE_HELP, EngineOptions, ModelOptions
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.segment_inputs import count_frames, find_inputs, read_frames
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.image_messages import DecodedImage
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.replay.rerun_log import RerunLog, load_rerun
from nightseg_ros.replay.view import ViewFrame, bag_frames, view

CAMERA = "images"
IMAGES_HZ = 10.0
"""How fast the images of a folder follow each other on the time line."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg view`."""

    input: Path = argument("a bag, a video, or a folder of images")
    route: str | None = option(ROUTE_HELP, None, choices=CHOICES)
    save: Path | None = option(
        "write a file for `rerun OUT.rrd` instead of starting the viewer", None, metavar="OUT.rrd"
    )
    connect: str | None = option(
        "send to a viewer that runs already, as in rerun+http://HOST:9876/proxy",
        None,
        metavar="URL",
    )
    memory: str = option(
        "the viewer drops the oldest frames over this (default 2GB)", "2GB", metavar="SIZE"
    )
    topic: tuple[str, ...] = option(
        "camera topic of a bag; may be repeated (default: all images that are no masks)",
        (),
        metavar="NAME",
    )
    every: int = option("show every N-th frame (default 1)", 1, metavar="N")
    models: ModelOptions = nested(ModelOptions)
    engines: EngineOptions = nested(EngineOptions)
    confidence_threshold: float = option(
        "pixels below it become 255, unlabelled (default: 0, keep all)", 0.0, metavar="0..1"
    )


def run(options: Options) -> dict[str, object]:
    """Show the recording, or write it down for later."""
    if options.every < 1:
        raise NightsegError(f"--every is {options.every}, need 1 or more")
    if options.save is not None and options.connect is not None:
        raise NightsegError("--save and --connect exclude each other")
    rerun = load_rerun()
    cameras, frames, total = _source(options.input, options.topic)
    route, bundles = options.models.choose(options.route)
    labels = shared_labels(bundles.values())
    with RerunLog(rerun, labels, cameras) as log:
        if options.save is not None:
            log.save(options.save)
        elif options.connect is not None:
            log.send(options.connect)
        else:
            log.show(options.memory)
        with options.engines.running(bundles) as engines:
            settings = PipelineSettings(
                route=route, confidence_threshold=options.confidence_threshold
            )
            with Progress(total or None, "view") as progress:
                counts = view(
                    frames,
                    Pipeline(
                        engines,
                        settings,
                        classes=labels.count,
                        calibrations=calibrations(bundles),
                    ),
                    log,
                    lambda camera: progress.advance(note=camera),
                    options.every,
                )
            infos = {role: asdict(engine.info) for role, engine in engines.items()}
    return {
        "input": str(options.input),
        "save": None if options.save is None else str(options.save),
        "cameras": cameras,
        **counts,
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "engines": infos,
        "exit_code": 0 if counts["frames"] else 2,
    }


def render(result: dict[str, object]) -> str:
    """Return one line."""
    cameras = result["cameras"]
    assert isinstance(cameras, list)
    text = f"{result['frames']} frames of {', '.join(cameras)}"
    if result["failed"]:
        text += f" ({result['failed']} could not be read)"
    if result["save"]:
        text += f" in {result['save']}; look at them with: rerun {result['save']}"
    return text


def _source(path: Path, topics: Sequence[str]) -> tuple[list[str], Iterator[ViewFrame], int]:
    """Return the cameras, their frames, and about how many these are."""
    if path.is_dir() and not is_bag(path):
        files = find_inputs([path])
        return [CAMERA], _images(files), sum(count_frames(file) for file in files)
    bag = open_recording(path)
    named = camera_topics(bag, topics)
    total = sum(bag.topics[topic].count for topic in named)
    return [camera_name(topic) for topic in named], bag_frames(FrameReader(bag, named)), total


def _images(files: list[Path]) -> Iterator[ViewFrame]:
    index = 0
    for file in files:
        start_s, new_scene = index / IMAGES_HZ, True
        try:
            for frame in read_frames(file):
                now_s = start_s + frame.time_s
                at_ns = round(now_s * 1e9)
                image = DecodedImage(frame.image)
                yield ViewFrame(index, CAMERA, at_ns, now_s, image, new_scene=new_scene)
                index, new_scene = index + 1, False
        except NightsegError:
            yield ViewFrame(index, CAMERA, round(start_s * 1e9), start_s, None)
            index += 1
