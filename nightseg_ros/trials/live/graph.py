# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A real ROS graph to measure: the nodes as processes of their own, cameras and recorder here."""

from __future__ import annotations

import contextlib
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.perception.status import NOT_YET
from nightseg_ros.trials.child_nodes import ChildNode, check_alive, child_nodes, isolated, log_tail
from nightseg_ros.trials.live.camera import LiveCameras, image_topic
from nightseg_ros.trials.process_usage import ProcessUsage

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from Python 3.11 on

    from nightseg_ros.metrics.live import RunRecord
    from nightseg_ros.trials.live.film import Played

SEGMENTATION, OVERLAY = "segmentation_node", "overlay_node"
MASK = f"/{SEGMENTATION}/mask"
READY_S, BUILT_S = 120.0, 3600.0
"""How long a node may take until it listens; the second where it may build its engines."""
SETTLE_S = 90.0
"""How long the last frame may take; a large network on a slow machine takes its time."""
QUIET_S = 1.0
"""A rival that has sent no further mask for this time has done with all frames."""
REPORT_S = 0.2
_STAGE = re.compile(r"(\w+)_(p50|p95|p99)_ms")


class LiveGraph:
    """The graph stands between enter and exit; `run` plays into it and returns what was noted."""

    def __init__(
        self,
        parameters: Mapping[str, object],
        cameras: Sequence[str] = ("",),
        *,
        compressed: bool = False,
        stages: bool = False,
        overlay: bool = False,
        logs: Path | None = None,
        respect_domain: bool = False,
        on_mask: Callable[[int, bytes], None] | None = None,
        rival: ChildNode | None = None,
    ) -> None:
        """`parameters` are those of the segmentation node; a `rival` takes its place.

        A rival sends no diagnostics: it is ready once it subscribes, and has settled when no mask
        has come for a while. It takes raw images of one camera.
        """
        common: dict[str, object] = {}
        if compressed:
            common["input_transport"] = "compressed"
        if any(cameras):
            common["cameras"] = list(cameras)
        own = {**parameters, **common, "diagnostics.period_s": REPORT_S}
        remap = {
            f"image{tail}": f"{image_topic('')}{tail}"
            for tail in ("", "/compressed")
            if not any(cameras)
        }
        self._ready_s = BUILT_S if parameters.get("allow_build") else READY_S
        self._rival = rival is not None
        ours = ChildNode(SEGMENTATION, own, remap, autostart=True)
        if rival is not None:
            ours = replace(rival, remap={**remap, "mask": MASK})
        self._nodes = [ours]
        if overlay:
            self._nodes.append(ChildNode(OVERLAY, common, remap))
        self._cameras = (cameras, {"compressed": compressed, "stages": stages, "on_mask": on_mask})
        self._logs, self._respect_domain = logs, respect_domain
        self._stack = contextlib.ExitStack()
        self.domain = self.transport = ""
        self.node: LiveCameras

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            if self._logs is None:
                self._logs = stack.enter_context(scratch_folder("live"))
            own = isolated(always=not self._respect_domain)
            self.domain, self.transport = stack.enter_context(own)
            self._processes = stack.enter_context(child_nodes(self._nodes, self._logs))
            rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
            stack.callback(rclpy.try_shutdown)
            cameras, options = self._cameras
            self.node = LiveCameras(cameras, **options)  # type: ignore[arg-type]
            stack.callback(self.node.destroy_node)
            self._executor = SingleThreadedExecutor()
            self._executor.add_node(self.node)
            stack.callback(self._executor.remove_node, self.node)
            self._wait(self._ready, self._ready_s)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the segmentation node, or of its rival."""
        return self._processes[self._nodes[0].name]

    def run(
        self, frames: Iterable[Played], on_progress: Callable[[int], None] = lambda _: None
    ) -> RunRecord:
        """Play all frames, wait for the last mask, and return what came back.

        `on_progress` is called with the number of frames sent.
        """
        before, record = self.node.account(), self.node.begin()
        usage, stop, errors = ProcessUsage(self.process.pid), threading.Event(), []

        def play() -> None:
            try:
                self.node.play(frames, stop)
            except Exception as error:  # raised again where it can be handled
                errors.append(error)

        player = threading.Thread(target=play, name="player", daemon=True)
        player.start()
        try:
            while player.is_alive():
                self._turn()
                usage.sample()
                on_progress(len(record.sent))
        finally:
            stop.set()
            player.join()
        if errors:
            raise errors[0]
        on_progress(len(record.sent))
        record.cpu_percent, record.memory_mb = usage.cpu_percent, usage.memory_mb
        if self._rival:
            self._settle_rival(record)
            return record
        self._settle(before, record)
        after = self.node.account()
        record.account = {key: after[key] - before[key] for key in after}
        return record

    def _ready(self) -> bool:
        if self._rival:
            return self.node.connected and self.node.count_publishers(MASK) > 0
        return self.node.connected and bool(self.node.status)

    def _settle_rival(self, record: RunRecord) -> None:
        """Wait until no further mask has come for a while."""
        end_s = time.perf_counter() + SETTLE_S
        masks, quiet_s = 0, end_s
        while time.perf_counter() < min(end_s, quiet_s):
            self._turn()
            if len(record.arrived) > masks:
                masks, quiet_s = len(record.arrived), time.perf_counter() + QUIET_S

    def _settle(self, before: Mapping[str, int], record: RunRecord) -> None:
        """Wait until the node has done with all frames and its masks are here."""
        known: dict[str, int] = {}
        cameras = len(self._cameras[0])
        due = self.node.reports + 2 * cameras  # the next one may have been on its way
        end_s = time.perf_counter() + SETTLE_S
        while time.perf_counter() < end_s:
            self._turn()
            if self.node.reports < due:
                continue
            due = self.node.reports + cameras
            last, known = known, self.node.account()
            if known == last and not known["in_flight"]:
                break
        published = known.get("published", 0) - before["published"]
        end_s = min(end_s, time.perf_counter() + 1.0)
        while len(record.arrived) < published and time.perf_counter() < end_s:
            self._turn()

    def _turn(self) -> None:
        self._executor.spin_once(timeout_sec=0.1)
        assert self._logs is not None
        check_alive(self._processes, self._logs)

    def _wait(self, until: Callable[[], bool], limit_s: float) -> None:
        end_s = time.perf_counter() + limit_s
        while not until():
            self._turn()
            if time.perf_counter() > end_s:
                assert self._logs is not None
                raise NightsegError(
                    f"{self._nodes[0].name} took no images within {limit_s:.0f} s; its last "
                    f"words: {log_tail(self._nodes[0].name, self._logs)}"
                )


def facts(status: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return what the node runs and how long that took recently, from its diagnostics."""
    backend = status.get("backend", {})
    stages: dict[str, dict[str, float]] = {}
    for key, value in status.get("processing_time_status", {}).items():
        found = _STAGE.fullmatch(key)
        if found and value != NOT_YET:
            stages.setdefault(found[1], {})[found[2]] = float(value)
    roles = [key.removesuffix(".model") for key in backend if key.endswith(".model")]
    return {
        "models": {role: backend[f"{role}.model"] for role in roles},
        "engines": {
            role: f"{backend.get(f'{role}.provider', '?')} ({backend.get(f'{role}.device', '?')})"
            for role in roles
        },
        "fallback": backend.get("fallback_reason", ""),
        "stages_ms": stages,
    }
