# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Takes one frame from the mailbox to the output topics, in the worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rclpy.time import Time
from std_msgs.msg import Float32

from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.perception.camera_health import CameraHealth
from nightseg_ros.perception.image_headers import ImageError
from nightseg_ros.perception.image_messages import DecodedImage, decode
from nightseg_ros.perception.route_guard import cause
from nightseg_ros.ros.cameras import CameraInput, Frame, title
from nightseg_ros.ros.mailbox import Outcome
from nightseg_ros.ros.models import Models
from nightseg_ros.ros.publishers import OUTPUTS, CameraOutputs, Canvas, own_prefix
from nightseg_ros.ros.qos import NO_EVENTS
from nightseg_ros.ros.statistics import STAGES, NodeStatistics
from nightseg_ros.ros.worker import FRAME, EngineCall

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode

    from nightseg_ros.perception.frame_result import FrameResult
    from nightseg_ros.ros.logs import ThrottledLog
    from nightseg_ros.ros.settings import Settings


@dataclass(frozen=True)
class WorkerState:
    """The models and buffers of one worker."""

    models: Models
    canvases: dict[str, Canvas] = field(default_factory=dict)

    def close(self) -> None:
        """Free the engines."""
        self.models.close()


class Segmenter:
    """Decodes, segments and publishes one frame at a time."""

    def __init__(
        self,
        node: LifecycleNode,
        inputs: Mapping[str, CameraInput],
        outputs: Mapping[str, CameraOutputs],
        statistics: NodeStatistics,
        settings: Callable[[], Settings],
        log_error: ThrottledLog,
        warn: ThrottledLog,
    ) -> None:
        self._context, self._clock = node.context, node.get_clock()
        self._inputs, self._outputs = inputs, outputs
        self._statistics, self._settings = statistics, settings
        self._log_error, self._warn = log_error, warn
        self._left_out: dict[str, str] = {}
        self._health = {camera: CameraHealth() for camera in outputs}
        # A subscriber of the times must not change the load: these subscribe to no camera.
        self.debug = {
            camera: {
                stage: node.create_lifecycle_publisher(
                    Float32, f"{own_prefix(camera)}debug/{stage}_ms", 10, event_callbacks=NO_EVENTS
                )
                for stage in STAGES
            }
            for camera in outputs
        }

    def serve(
        self, state: WorkerState, camera: str, frame: Frame, engine_call: EngineCall
    ) -> Outcome:
        """Process one frame and return its outcome."""
        settings = self._settings()
        wanted = self._outputs[camera].watched()
        if not settings.lazy:
            wanted.add("mask")
        if not wanted:
            return Outcome.UNWATCHED
        allowed_ms = settings.diagnostics_max_allowed_processing_time_ms
        times_ms: dict[str, float] | None = None
        started_s = self._statistics.start_frame()
        try:
            result, before_ms = self._segment(state, camera, frame, wanted, engine_call)
            times_ms = self._publish(state, camera, frame, wanted, result, before_ms)
        except ImageError as error:
            topic = self._inputs[camera].resolved_topic
            self._statistics.cameras[camera].reject(str(error))
            self._log_error(title(camera), f"image on {topic}: {error}")
            return Outcome.BAD_IMAGE
        finally:
            self._statistics.end_frame(times_ms, allowed_ms, started_s)
        return Outcome.UNPUBLISHED if times_ms is None else Outcome.PUBLISHED

    def _segment(
        self,
        state: WorkerState,
        camera: str,
        frame: Frame,
        wanted: set[str],
        engine_call: EngineCall,
    ) -> tuple[FrameResult, dict[str, float]]:
        """Return the result of the models for a frame, and the times so far."""
        start_s = time.perf_counter()
        outputs, canvas = self._outputs[camera], state.canvases.setdefault(camera, Canvas())
        image = self._decoded(frame.message)
        height, width = image.pixels.shape[:2]
        mask_out, confidence_out = outputs.buffers(canvas, height, width)
        canvas.image = image
        decoded_s = time.perf_counter()
        with engine_call(FRAME):
            result = state.models.pipeline.process(
                image.pixels,
                image.order,
                camera,
                self._clock.now().nanoseconds * 1e-9,
                stamp_s=_seconds(frame.message.header.stamp),
                want_confidence="confidence" in wanted,
                full_size=outputs.full_size,
                mask_out=mask_out,
                confidence_out=confidence_out,
            )
        # By the frames before this one: it is watched after its mask is out.
        if self._settings().drop_invalid and canvas.health.invalid.any():
            result.mask[canvas.health.invalid_mask(*result.mask.shape) > 0] = IGNORE
        return result, {
            **result.times_ms,
            "wait": (start_s - frame.received_s) * 1e3,
            "decode": (decoded_s - start_s) * 1e3,
        }

    def _watch(self, camera: str, canvas: Canvas, stamp: Any) -> None:
        """Look at how the camera itself is doing."""
        image, canvas.image = canvas.image, None
        if image is not None:
            canvas.health = self._health[camera].update(image.pixels, image.order, _seconds(stamp))
            self._statistics.cameras[camera].health = canvas.health

    def _decoded(self, message: Any) -> DecodedImage:
        """Return the pixels of an image; every failure is an ImageError."""
        try:
            return decode(message, int(self._settings().max_megapixels * 1e6))
        except ImageError:
            raise
        except Exception as error:  # out of memory, for example
            raise ImageError(f"it cannot be decoded: {cause(error)}") from error

    def _publish(
        self,
        state: WorkerState,
        camera: str,
        frame: Frame,
        wanted: set[str],
        result: FrameResult,
        before_ms: Mapping[str, float],
    ) -> dict[str, float] | None:
        """Publish a frame and return all its times; None where the mask was not published.

        Failures here are logged and do not count as failures of the engine.
        """
        outputs, canvas = self._outputs[camera], state.canvases[camera]
        header, info = frame.message.header, self._inputs[camera].info
        times_ms: dict[str, float] | None = None
        with self._publishing(camera, "mask"):
            begin_s = time.perf_counter()
            mask = outputs.publish_mask(canvas, header, result, wanted)
            out_s = time.perf_counter()
            age = self._clock.now() - Time.from_msg(header.stamp, self._clock.clock_type)
            total_ms = (out_s - frame.received_s) * 1e3
            times_ms = {
                **before_ms,
                "publish": (out_s - begin_s) * 1e3,
                "total": total_ms,
                "overhead": total_ms - result.engine_ms,
                "age": age.nanoseconds * 1e-6,
            }
            with self._publishing(camera, "debug"):
                self._record(camera, result, times_ms)
            with self._publishing(camera, "visibility"):
                self._watch(camera, canvas, header.stamp)
            for topic in OUTPUTS:
                if topic in wanted and topic != "mask":
                    with self._publishing(camera, topic):
                        outputs.publish(topic, canvas, header, result, mask, info)
        return times_ms

    @contextmanager
    def _publishing(self, camera: str, topic: str) -> Iterator[None]:
        """Log what fails inside: a failed output must not stop the others."""
        try:
            yield
        except Exception as error:
            if self._context.ok():  # else the node is shutting down while the worker runs
                self._log_error(title(camera), f"{topic} could not be published: {cause(error)}")

    def _log_routes(self, camera: str, result: FrameResult) -> None:
        """Log immediately why a frame takes another route than it should, and when that ends."""
        for event in result.events:
            self._warn(title(camera), f"{event}; this frame took route {result.route}")
        before, now = self._left_out.get(camera, ""), bool(result.left_out)
        if now != bool(before) and not result.events:
            text = result.left_out or f"no route is left out any longer, after: {before}"
            self._warn(title(camera), f"route {result.route} now: {text}")
        self._left_out[camera] = result.left_out

    def _record(self, camera: str, result: FrameResult, times_ms: Mapping[str, float]) -> None:
        statistics = self._statistics.cameras[camera]
        statistics.published.tick()
        statistics.age_ms = times_ms["age"]
        statistics.route, statistics.reason = result.route, result.reason
        statistics.illumination = result.illumination
        statistics.left_out, statistics.withheld = result.left_out, result.withheld
        statistics.novelty = result.novelty
        self._log_routes(camera, result)
        for stage, publisher in self.debug[camera].items():
            if publisher.get_subscription_count() > 0:
                publisher.publish(Float32(data=times_ms[stage]))

    def destroy(self, node: LifecycleNode) -> None:
        """Remove the topics from the graph."""
        for publishers in self.debug.values():
            for publisher in publishers.values():
                node.destroy_lifecycle_publisher(publisher)


def _seconds(stamp: Any) -> float:
    return float(stamp.sec + stamp.nanosec * 1e-9)
