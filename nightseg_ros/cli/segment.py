# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg segment`: masks of images, folders and videos, by the very pipeline of the node."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.atomic import write_atomically
from nightseg_ros.bundle import Bundle, default_models_dir, find_bundles
from nightseg_ros.cli.engine_options import add_engine_options, chosen_engines
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.segment_inputs import (
    Frame,
    check_names,
    count_frames,
    find_inputs,
    read_frames,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.video import is_video
from nightseg_ros.labels import LabelSet
from nightseg_ros.model_choice import choose_bundles, shared_labels
from nightseg_ros.perception.overlay import blend, classes_in_view, draw_legend
from nightseg_ros.perception.pipeline import FrameResult, Pipeline, PipelineSettings
from nightseg_ros.routes import AUTO, CHOICES, ENGINES_OF, ROUTE_OF

OVERLAY_ALPHA = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("input", nargs="+", type=Path, help="images, videos, and folders of them")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where <stem>.png masks go"
    )
    parser.add_argument(
        "--route",
        choices=CHOICES,
        help="route of every frame (default: auto, or the route of the one --model)",
    )
    parser.add_argument(
        "--overlay", action="store_true", help="also write <stem>_overlay.jpg for human eyes"
    )
    parser.add_argument(
        "--models", type=Path, metavar="FOLDER", help="models folder (default: the installed one)"
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="use this model for what it is made for; may be repeated",
    )
    add_engine_options(parser)
    parser.add_argument(
        "--confidence-threshold",
        type=float,
        default=0.0,
        metavar="0..1",
        help="pixels below it become 255, unlabelled (default: 0, keep all)",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Segment everything that can be read; what could not makes the exit code 2."""
    files = find_inputs(args.input)
    check_names(files, args.out)
    models_dir = Path(args.models) if args.models is not None else default_models_dir()
    names = _roles_of(args.model, models_dir)
    route = args.route or _route_of(names)
    settings = PipelineSettings(route=route, confidence_threshold=args.confidence_threshold)
    roles = None if route == AUTO else ENGINES_OF[route]
    wanted = {role: name for role, name in names.items() if roles is None or role in roles}
    if names != wanted:
        unused = ", ".join(name for role, name in names.items() if role not in wanted)
        raise NightsegError(f"route {route} does not use model {unused}; leave one of them out")
    bundles = choose_bundles(models_dir, wanted, roles=roles)
    labels = shared_labels(bundles.values())
    engines = chosen_engines(bundles, args)
    try:
        job = _Job(Pipeline(engines, settings), args.out, labels if args.overlay else None)
        job.segment(files)
    finally:
        for engine in engines.values():
            engine.close()
    return {
        "out": str(args.out),
        "written": len(job.total_ms),
        "routes": dict(job.routes),
        "median_ms": round(median(job.total_ms), 3) if job.total_ms else None,
        "models": {role: bundle.name for role, bundle in bundles.items()},
        "engines": {role: asdict(engine.info) for role, engine in engines.items()},
        "failed": job.failed,
        "exit_code": 2 if job.failed else 0,
    }


def render(result: dict[str, object]) -> str:
    """Return a summary for people."""
    routes, failed = result["routes"], result["failed"]
    assert isinstance(routes, dict)
    assert isinstance(failed, list)
    taken = ", ".join(f"{route} {count}" for route, count in sorted(routes.items()))
    lines = [
        f"{result['written']} masks in {result['out']}" + (f" (route {taken})" if taken else "")
    ]
    if result["median_ms"] is not None:
        lines[0] += f", {result['median_ms']:.0f} ms each"
    lines += [f"failed: {failure['reason']}" for failure in failed]
    return "\n".join(lines)


class _Job:
    """What one call has done so far."""

    def __init__(self, pipeline: Pipeline, out: Path, overlay_labels: LabelSet | None) -> None:
        self.pipeline = pipeline
        self.out = out
        self.labels = overlay_labels
        self.routes: Counter[str] = Counter()
        self.total_ms: list[float] = []
        self.failed: list[dict[str, str]] = []

    def segment(self, files: list[Path]) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        total = sum(count_frames(file) for file in files)
        with Progress(total, "segment") as progress:
            for file in files:
                try:
                    for frame in read_frames(file):
                        self._frame(frame)
                        progress.advance(note=frame.stem)
                except NightsegError as error:
                    self.failed.append({"input": str(file), "reason": str(error)})
                    progress.advance(0 if is_video(file) else 1)
                # The next file is another scene: neither smoothing nor dwell time carry over.
                self.pipeline.forget("")

    def _frame(self, frame: Frame) -> None:
        result = self.pipeline.process(frame.image, "bgr", now_s=frame.time_s)
        write_atomically(self.out / f"{frame.stem}.png", _encode(".png", result.mask))
        if self.labels is not None:
            picture = _overlay(frame.image, result, self.labels)
            write_atomically(self.out / f"{frame.stem}_overlay.jpg", _encode(".jpg", picture))
        self.routes[result.route] += 1
        self.total_ms.append(result.times_ms["total"])


def _overlay(image: NDArray[np.uint8], result: FrameResult, labels: LabelSet) -> NDArray[np.uint8]:
    palette = np.ascontiguousarray(labels.palette()[:, ::-1])
    picture = blend(image, result.mask, palette, OVERLAY_ALPHA)
    seen = classes_in_view(result.mask)
    draw_legend(picture, labels, seen, result.route, result.times_ms["total"])
    return picture


def _encode(suffix: str, image: NDArray[np.uint8]) -> bytes:
    good, data = cv2.imencode(suffix, image)
    if not good:
        raise NightsegError(f"OpenCV cannot write {suffix} of {list(image.shape)}")
    return data.tobytes()


def _roles_of(names: list[str], models_dir: Path) -> dict[str, str]:
    """Return role -> name for the models asked for by name."""
    roles: dict[str, str] = {}
    for name in names:
        folders = [path for path in find_bundles(models_dir) if path.name == name]
        if not folders:
            known = ", ".join(path.name for path in find_bundles(models_dir)) or "none"
            raise NightsegError(f"there is no model '{name}' in {models_dir}; there is {known}")
        bundle = Bundle.load(folders[0])
        if bundle.role in roles:
            raise NightsegError(
                f"models {roles[bundle.role]} and {bundle.name} are both for '{bundle.role}'; "
                "name one of them"
            )
        roles[bundle.role] = bundle.name
    return roles


def _route_of(names: dict[str, str]) -> str:
    """Return the route that one named model is for; auto where several or none are named."""
    if len(names) != 1:
        return AUTO
    return ROUTE_OF[next(iter(names))]
