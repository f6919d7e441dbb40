# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All that the segmentation node owns between configure and cleanup, made and freed as one."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.route_guard import cause
from nightseg_ros.perception.status import ERROR, WARN, Report, backend_report
from nightseg_ros.ros.cameras import CameraInput, Frame, title
from nightseg_ros.ros.discovery import advice, found_publishers
from nightseg_ros.ros.label_topics import LabelTopics
from nightseg_ros.ros.logs import ThrottledLog
from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.models import check_unchanged, load_models
from nightseg_ros.ros.points import PointsOutput
from nightseg_ros.ros.publishers import CameraOutputs
from nightseg_ros.ros.reports import (
    InputState,
    health_report,
    input_report,
    processing_report,
    route_report,
)
from nightseg_ros.ros.segmenter import Segmenter, WorkerState
from nightseg_ros.ros.statistics import NodeStatistics
from nightseg_ros.ros.supervisor import Limits, Supervisor

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode

    from nightseg_ros.labels.label_set import LabelSet
    from nightseg_ros.ros.qos import Notice
    from nightseg_ros.ros.settings import Settings
    from nightseg_ros.ros.worker import EngineCall


class Session:
    """Models, worker, cameras and topics; raises NightsegError where the models do not load."""

    def __init__(
        self,
        node: LifecycleNode,
        settings: Callable[[], Settings],
        log_error: ThrottledLog,
        notice: Notice,
        on_match: Callable[[], None],
        announce: Callable[[Report], None],
    ) -> None:
        """`announce` gets changes of the engines immediately, in the watchdog's thread."""
        now = settings()
        self._node, self._settings, self._log_error = node, settings, log_error
        self._announce = announce
        self._log_failure = ThrottledLog(self._error)
        """For the engines; a flood of bad images must not suppress these."""
        self._threshold = now.confidence_threshold
        self._clock_ns = -1
        self.mailbox: Mailbox[Frame] = Mailbox(now.camera_names)
        self.mailbox.set_max_rate(now.max_rate_hz)
        self.statistics = NodeStatistics(now.camera_names)
        self._configured: tuple[dict[str, str], LabelSet] | None = None
        self._supervisor: Supervisor[WorkerState, Frame] = Supervisor(
            self.mailbox,
            self._build,
            self._serve,
            on_failure=self._on_failure,
            on_new=self._on_new,
            on_change=self._on_engine_state,
            limits=self._limits,
            ended=lambda: not node.context.ok(),
        )
        self.models = self._supervisor.start().models
        self._configured = self.models.hashes, self.models.labels
        present = set(node.publishers)
        try:
            self._open_topics(now, notice, on_match)
        except BaseException:
            for publisher in set(node.publishers) - present:
                node.destroy_lifecycle_publisher(publisher)  # type: ignore[arg-type]
            self._supervisor.stop()
            raise
        for fallback in self.models.fallbacks:
            node.get_logger().warning(f"FALLBACK: {fallback}")
        for route, reason in self.models.unavailable.items():
            if route != self.models.replaced_route:
                node.get_logger().warning(reason)

    def _open_topics(
        self, settings: Settings, notice: Notice, on_match: Callable[[], None]
    ) -> None:
        self.inputs = {
            camera: CameraInput(
                self._node,
                camera,
                compressed=settings.input_transport == "compressed",
                mailbox=self.mailbox,
                statistics=self.statistics.cameras[camera],
                log_error=self._log_error,
                notice=notice,
            )
            for camera in settings.camera_names
        }
        self._points = PointsOutput(self._node, self.models.labels, settings, notice)
        self.outputs = {
            camera: CameraOutputs(
                self._node,
                camera,
                self.models.labels,
                self._points,
                reliability=settings.output_reliability,
                full_size=settings.output_size == "input",
                notice=notice,
                on_match=on_match,
            )
            for camera in settings.camera_names
        }
        self._labels = LabelTopics(self._node, settings.camera_names, self.models.labels, notice)
        self.segmenter = Segmenter(
            self._node,
            self.inputs,
            self.outputs,
            self.statistics,
            self._settings,
            self._log_error,
            ThrottledLog(self._warn),
        )

    def summary(self) -> str:
        """Return a sentence about what was loaded."""
        engines = self.models.pipeline.engines
        loaded = ", ".join(
            f"{role} {bundle.name} on {engines[role].info}"
            for role, bundle in self.models.bundles.items()
        )
        return f"{loaded}; routes {', '.join(self.models.pipeline.routes)}"

    @property
    def hardware(self) -> str:
        """The devices that run the models."""
        devices = {engine.info.device for engine in self.models.pipeline.engines.values()}
        return ", ".join(sorted(devices))

    def activate(self) -> None:
        """Accept frames and publish the meaning of the class ids."""
        self.mailbox.open()
        self._labels.publish(self._threshold)
        self._node.get_logger().info(f"active: {self._reading()}")

    def _reading(self) -> str:
        topics = ", ".join(camera_input.resolved_topic for camera_input in self.inputs.values())
        unwatched = [
            outputs.mask_topic for outputs in self.outputs.values() if not outputs.watched()
        ]
        if not self._settings().lazy or not unwatched:
            return f"reads {topics}"
        masks = ", ".join(unwatched)
        return f"reads {topics}; waits for a subscriber of {masks} or another output"

    def deactivate(self, wait_s: float) -> bool:
        """Accept no frames and wait for the one in flight; False where it does not end."""
        return self.mailbox.close(wait_s)

    def update_subscriptions(self, *, active: bool) -> None:
        """Subscribe to a camera while the node is active and its outputs have subscribers."""
        lazy, listened, placed = self._settings().lazy, self._listening(), False
        for camera, camera_input in self.inputs.items():
            watched = self.outputs[camera].watched() if active else set()
            before = camera_input.listening
            placed = placed or "points" in watched
            info = bool({"camera_info", "points"} & watched)
            camera_input.listen(active and (not lazy or bool(watched)), info)
            if camera_input.listening and not before:
                topic = camera_input.resolved_topic
                count = self._node.count_publishers(topic)
                self._node.get_logger().info(
                    f"subscribed to {topic} ({count} publisher{'' if count == 1 else 's'})"
                )
        self._points.listen(wanted=placed)
        if listened and not self._listening():
            self.statistics.forget_frames()

    def _listening(self) -> bool:
        return any(camera_input.listening for camera_input in self.inputs.values())

    def apply(self, settings: Settings, *, active: bool) -> None:
        """Apply settings that the models have accepted."""
        self.models.apply(settings)  # again: engines may have been replaced meanwhile
        self.mailbox.set_max_rate(settings.max_rate_hz)
        if settings.confidence_threshold != self._threshold:
            self._threshold = settings.confidence_threshold
            if active:
                self._labels.publish(self._threshold)

    def forget_order(self) -> None:
        """Accept old stamps again: time jumped back."""
        for camera_input in self.inputs.values():
            camera_input.forget_order()

    def close(self, wait_s: float) -> None:
        """Stop the worker, which frees the engines, and remove the topics from the graph."""
        try:
            for camera_input in self.inputs.values():
                camera_input.listen(images=False, info=False)
            self._points.listen(wanted=False)
            self._supervisor.stop(wait_s)
        finally:
            for outputs in self.outputs.values():
                outputs.destroy()
            self._labels.destroy()
            self.segmenter.destroy(self._node)

    def _build(self, engine_call: EngineCall) -> WorkerState:
        models = load_models(self._settings(), self._log_info, engine_call)
        try:
            if self._configured is not None:
                check_unchanged(models, *self._configured)
        except NightsegError:
            models.close()
            raise
        return WorkerState(models)

    def _log_info(self, line: str) -> None:
        if self._node.context.ok():
            self._node.get_logger().info(line)

    def _serve(self, state: WorkerState, camera: str, frame: Frame, call: EngineCall) -> Outcome:
        return self.segmenter.serve(state, camera, frame, call)

    def _on_new(self, state: WorkerState) -> None:
        self.models = state.models
        self.models.apply(self._settings())

    def _limits(self) -> Limits:
        settings = self._settings()
        return Limits(settings.engine_timeout_s, settings.max_failures, settings.max_hung_engines)

    def _on_engine_state(self, report: Report) -> None:
        if report.level == ERROR:
            self.statistics.abandon_frame()
        if not self._node.context.ok():
            return
        logger = self._node.get_logger()  # one line each: rclpy knows a logging call by its line
        if report.level == ERROR:
            logger.error(f"engine {report.message}")
        elif report.level == WARN:
            logger.warning(f"engine: {report.message}")
        else:
            logger.info(f"engine: {report.message}")
        self._announce(report)

    def _error(self, text: str) -> None:
        self._node.get_logger().error(text)

    def _warn(self, text: str) -> None:
        self._node.get_logger().warning(text)  # rclpy needs one severity for each line of code

    def _on_failure(self, camera: str, error: Exception) -> None:
        if not self._node.context.ok():
            return  # the node is shutting down while the worker runs
        text = cause(error)
        self._log_failure(title(camera), f"a frame could not be segmented: {text}")
        self.statistics.cameras[camera].reject(text)
        self._node.get_logger().debug("".join(traceback.format_exception(error)))

    def reports(self, *, active: bool) -> list[Report]:
        """Return the diagnostics of this session."""
        settings = self._settings()
        clock = self._node.get_clock()
        clock_ns, self._clock_ns = self._clock_ns, clock.now().nanoseconds
        stopped = clock_ns == self._clock_ns
        reports: list[Report] = []
        for camera, camera_input in self.inputs.items():
            statistics = self.statistics.cameras[camera]
            state = InputState(
                camera=camera,
                topic=camera_input.resolved_topic,
                listening=camera_input.listening,
                silence_s=statistics.received.silence_s(camera_input.since_s),
                publishers=found_publishers(self._node, camera_input),
                advice=advice(self._node, camera_input.topic, camera_input.type_name),
                clock_stopped=stopped,
                active=active,
            )
            counts = self.mailbox.counts(camera)
            reports.append(input_report(state, counts, statistics, settings))
            reports.append(route_report(camera, statistics, settings))
            reports.append(health_report(camera, statistics))
        reports.append(self._supervisor.report())
        reports.append(processing_report(self.statistics, settings))
        infos = {role: x.info for role, x in self.models.pipeline.engines.items()}
        unavailable = self.models.unavailable.values()
        reports.append(
            backend_report(self.models.bundles, infos, self.models.fallbacks, unavailable)
        )
        return reports
