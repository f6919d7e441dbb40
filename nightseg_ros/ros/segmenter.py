# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One frame from the mailbox to the wire: what the worker thread does all day."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rclpy.lifecycle import LifecycleNode
from rclpy.time import Time
from std_msgs.msg import Float32

from nightseg_ros.perception.image_messages import ImageError, decode_compressed, decode_image
from nightseg_ros.perception.pipeline import FrameResult
from nightseg_ros.ros.cameras import CameraInput, Letter, title
from nightseg_ros.ros.complaints import Complaints
from nightseg_ros.ros.mailbox import Outcome
from nightseg_ros.ros.models import Models
from nightseg_ros.ros.publishers import CameraOutputs, Canvas
from nightseg_ros.ros.settings import Settings
from nightseg_ros.ros.statistics import STAGES, NodeStatistics
from nightseg_ros.ros.worker import Claim


@dataclass(frozen=True)
class Bench:
    """What belongs to one worker alone."""

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
        complaints: Complaints,
        warn: Complaints,
    ) -> None:
        self._clock = node.get_clock()
        self._inputs, self._outputs = inputs, outputs
        self._statistics, self._settings = statistics, settings
        self._complaints, self._warn = complaints, warn
        self._left_out: dict[str, str] = {}
        compressed = settings().input_transport == "compressed"
        self._decode = decode_compressed if compressed else decode_image
        # Whoever watches the times must not change the load: these make no camera run.
        self.debug = {
            stage: node.create_lifecycle_publisher(Float32, f"~/debug/{stage}_ms", 10)
            for stage in STAGES
        }

    def serve(self, bench: Bench, camera: str, letter: Letter, claim: Claim) -> Outcome:
        """Bring one frame to the outcome that is returned."""
        settings = self._settings()
        wanted = self._outputs[camera].watched()
        if not settings.lazy:
            wanted.add("mask")
        if not wanted:
            return Outcome.UNWATCHED
        allowed_ms = settings.diagnostics_max_allowed_processing_time_ms
        times_ms: dict[str, float] | None = None
        frame = self._statistics.start_frame()
        try:
            times_ms = self._segment(bench, camera, letter, wanted, claim)
        except ImageError as error:
            topic = self._inputs[camera].resolved_topic
            self._statistics.cameras[camera].reject(str(error))
            self._complaints(title(camera), f"image on {topic}: {error}")
            return Outcome.BAD_IMAGE
        finally:
            self._statistics.end_frame(times_ms, allowed_ms, frame)
        return Outcome.PUBLISHED

    def _segment(
        self, bench: Bench, camera: str, letter: Letter, wanted: set[str], claim: Claim
    ) -> dict[str, float]:
        start_s = time.perf_counter()
        image = self._decode(letter.message)
        height, width = image.pixels.shape[:2]
        outputs, canvas = self._outputs[camera], bench.canvases.setdefault(camera, Canvas())
        mask_out, confidence_out = outputs.buffers(canvas, height, width)
        decoded_s = time.perf_counter()
        result = bench.models.pipeline.process(
            image.pixels,
            image.order,
            camera,
            self._clock.now().nanoseconds * 1e-9,
            want_confidence="confidence" in wanted,
            full_size=outputs.full_size,
            mask_out=mask_out,
            confidence_out=confidence_out,
        )
        done_s = time.perf_counter()
        header = letter.message.header
        claim()
        mask = outputs.publish_mask(canvas, header, result, wanted)
        out_s = time.perf_counter()
        age = self._clock.now() - Time.from_msg(header.stamp, self._clock.clock_type)
        outputs.publish_rest(canvas, header, result, mask, wanted, self._inputs[camera].info)
        total_ms = (out_s - letter.received_s) * 1e3
        times_ms = {
            **result.times_ms,
            "wait": (start_s - letter.received_s) * 1e3,
            "decode": (decoded_s - start_s) * 1e3,
            "publish": (out_s - done_s) * 1e3,
            "total": total_ms,
            "overhead": total_ms - result.engine_ms,
            "age": age.nanoseconds * 1e-6,
        }
        self._note(camera, result, times_ms)
        return times_ms

    def _tell_of_routes(self, camera: str, result: FrameResult) -> None:
        """Say at once what makes a frame take another route than it should, and when that ends."""
        for event in result.events:
            self._warn(title(camera), f"{event}; this frame took route {result.route}")
        before, now = self._left_out.get(camera, ""), bool(result.left_out)
        if now != bool(before) and not result.events:
            text = result.left_out or f"no route is left out any more, after: {before}"
            self._warn(title(camera), f"route {result.route} now: {text}")
        self._left_out[camera] = result.left_out

    def _note(self, camera: str, result: FrameResult, times_ms: Mapping[str, float]) -> None:
        statistics = self._statistics.cameras[camera]
        statistics.published.tick()
        statistics.age_ms = times_ms["age"]
        statistics.route, statistics.reason = result.route, result.reason
        statistics.illumination = result.illumination
        statistics.left_out = result.left_out
        self._tell_of_routes(camera, result)
        for stage, publisher in self.debug.items():
            if publisher.get_subscription_count() > 0:
                publisher.publish(Float32(data=times_ms[stage]))

    def destroy(self, node: LifecycleNode) -> None:
        """Take the topics off the graph."""
        for publisher in self.debug.values():
            node.destroy_lifecycle_publisher(publisher)
