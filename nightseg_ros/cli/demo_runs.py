# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two ways in which `nightseg demo` runs its drive: over a ROS graph, or in this process."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.cli.progress import Progress, track
from nightseg_ros.drive.folder import FolderWriter, StoredFrame, stored_frames
from nightseg_ros.drive.render import Renderer
from nightseg_ros.engines.select import choose_bundles, create_engines, shared_labels
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.recorder import Recorder
from nightseg_ros.perception.overlay import blend, classes_in_view, draw_legend
from nightseg_ros.perception.pipeline import Pipeline, PipelineSettings


def _render(args: argparse.Namespace) -> list[StoredFrame]:
    height, width = args.size
    renderer = Renderer(args.seed, args.frames, (width, height), args.fps)
    with FolderWriter(args.out / "drive") as writer:
        for index in track(range(args.frames), "rendering the drive"):
            writer.write(renderer.frame(index))
    return stored_frames(args.out / "drive")


def with_ros(
    args: argparse.Namespace, models: Path, engine: str
) -> tuple[dict[str, Any], Recorder]:
    """Play the drive into the nodes; return the report so far and what was recorded."""
    from nightseg_ros.ros import demo_graph, demo_processes
    from nightseg_ros.ros.transport import apply_large_image_transport

    domain = demo_processes.isolate(os.environ)
    transport = apply_large_image_transport(os.environ)
    logs = args.out / "log"
    parameters = {
        "segmentation_node": {
            "models_dir": str(models.resolve()),
            "engine": engine,
            "route": args.route,
            "diagnostics.period_s": 0.5,
        },
        "overlay_node": {"overlay_rate_hz": 0.0},
    }
    with demo_processes.nodes(parameters, logs) as processes:
        # The nodes load their models while the drive is rendered.
        frames = _render(args)
        print(f"nightseg demo: playing; look on with ROS_DOMAIN_ID={domain} rviz2", file=sys.stderr)
        recorder = Recorder(args.out, [frame.light for frame in frames])
        with Progress(len(frames), "driving") as progress:
            demo_graph.drive(
                [frame.image for frame in frames],
                args.fps,
                recorder,
                processes,
                logs,
                lambda done: progress.advance(done - progress.done),
            )
    recorder.close()
    backend = recorder.status.get("backend", {})
    loaded = [
        f"{role} {backend[f'{role}.model']} on {backend.get(f'{role}.provider', '?')}"
        for role in ("day", "night", "translator")
        if f"{role}.model" in backend
    ]
    account = recorder.status.get("input", {})
    facts = {
        "models": ", ".join(loaded),
        "fallback": backend.get("fallback_reason", ""),
        "frames in the node": ", ".join(
            f"{account[key]} {key}"
            for key in ("received", "published", "dropped", "rejected")
            if key in account
        ),
        "transport": transport,
        **_machine(),
    }
    how = (
        f"{len(frames)} rendered frames, played at {args.fps:g} per second as sensor_msgs/Image "
        "into a ROS 2 graph of player, segmentation node, overlay node and recorder."
    )
    return {"how": how, "facts": facts}, recorder


def without_ros(
    args: argparse.Namespace, models: Path, engine: str
) -> tuple[dict[str, Any], Recorder]:
    """Run the pipeline on the drive in this process."""
    frames = _render(args)
    bundles = choose_bundles(models)
    labels = shared_labels(bundles.values())
    engines = create_engines(bundles, engine)
    pipeline = Pipeline(engines, PipelineSettings(route=args.route))
    recorder = Recorder(args.out, [frame.light for frame in frames], labels)
    palette = labels.palette()[:, ::-1]
    start_s = time.perf_counter()
    try:
        for frame in track(frames, "driving"):
            image: NDArray[np.uint8] | None = cv2.imread(str(frame.image), cv2.IMREAD_COLOR)  # type: ignore[assignment]
            if image is None:
                raise NightsegError(f"cannot read {frame.image}")
            recorder.sent(frame.index, time.perf_counter() - start_s)
            result = pipeline.process(image, "bgr", now_s=frame.stamp_s)
            recorder.mask(frame.index, result.mask, result.times_ms["total"])
            recorder.route(frame.index, result.route)
            recorder.illumination(frame.index, result.illumination)
            for stage, ms in result.times_ms.items():
                recorder.stage(stage, ms)
            drawn = blend(image, result.mask, palette, 0.55)
            draw_legend(
                drawn, labels, classes_in_view(result.mask), result.route, result.times_ms["total"]
            )
            recorder.overlay(frame.index, drawn)
    finally:
        for created in engines.values():
            created.close()
        recorder.close()
    loaded = [
        f"{role} {bundle.name} on {engines[role].info.provider}" for role, bundle in bundles.items()
    ]
    how = f"{len(frames)} rendered frames through the pipeline in one process, without ROS."
    return {"how": how, "facts": {"models": ", ".join(loaded), **_machine()}}, recorder


def _machine() -> dict[str, str]:
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores, {platform.system()}",
        "Python": platform.python_version(),
    }
