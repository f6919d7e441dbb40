# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the diagnostics say, as plain data: figures in, a level, a sentence and key-values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightseg_ros.perception import status
from nightseg_ros.perception.status import (
    ERROR,
    NOT_YET,
    OK,
    PROCESSING,
    WARN,
    Report,
    backend_report,
    number,
    task_name,
    time_key,
)
from nightseg_ros.ros.mailbox import Counts, Outcome
from nightseg_ros.ros.settings import Settings
from nightseg_ros.ros.statistics import CameraStatistics, NodeStatistics

__all__ = [
    "ERROR",
    "NOT_YET",
    "OK",
    "WARN",
    "InputState",
    "Report",
    "backend_report",
    "input_report",
    "number",
    "processing_report",
    "qos_report",
    "route_report",
]


REJECTED_S = 5.0
"""How long the diagnostics tell of a rejected image."""


@dataclass(frozen=True)
class InputState:
    """What is known about the subscription of one camera."""

    camera: str
    topic: str
    listening: bool
    silence_s: float
    publishers: Sequence[str]
    """Who publishes there, with what QoS and what is wrong with it."""
    advice: str = ""
    clock_stands: bool = False
    active: bool = True


def input_report(
    state: InputState, counts: Counts, statistics: CameraStatistics, settings: Settings
) -> Report:
    """Report rate, age and account of a camera, and who should be sending if nothing comes."""
    level, message = OK, "images come in"
    if not state.listening:
        idle = "nobody listens to the outputs" if state.active else "the node is inactive"
        message = f"not subscribed: {idle}"
    elif state.silence_s > settings.no_image_warn_s:
        message = f"no image for {state.silence_s:.1f} s on {state.topic}"
        if state.clock_stands:
            message += "; the simulated time stands still"
        else:
            level = WARN
            found = "; ".join(state.publishers)
            message += f": {found or 'no publisher there'}"
            message += f"; {state.advice}" if state.advice else ""
    elif counts.received and statistics.age_ms is None and counts.rejected:
        level, message = WARN, "all images so far were rejected; see the log"
    if fault := statistics.fault(REJECTED_S):
        level = WARN
        message += f"; rejected of late: {fault}"
    values = {
        "topic": state.topic,
        "rate_hz": f"{statistics.received.hz():.1f}",
        "published_rate_hz": f"{statistics.published.hz():.1f}",
        "age_ms": number(statistics.age_ms),
        "received": str(counts.received),
        "published": str(counts.published),
        "dropped": str(counts.dropped),
        "rejected": str(counts.rejected),
        "in_flight": str(counts.in_flight),
        "lost by the middleware": str(statistics.lost),
    }
    for outcome in Outcome:
        if outcome is not Outcome.PUBLISHED:
            values[outcome.value] = str(counts.outcomes[outcome])
    values |= {f"publisher {i + 1}": text for i, text in enumerate(state.publishers)}
    return Report(task_name("input", state.camera), level, message, values)


def processing_report(statistics: NodeStatistics, settings: Settings) -> Report:
    """Report under the name and keys that Autoware's nodes use for their processing time."""
    allowed_ms = settings.diagnostics_max_allowed_processing_time_ms
    acceptable_ms = settings.diagnostics_max_acceptable_consecutive_delay_ms
    latest_ms, delay_ms = statistics.processing(allowed_ms)
    level, message = OK, "OK"
    if latest_ms is None:
        message = "Waiting for the node to perform inference"
    elif delay_ms > acceptable_ms:
        level = ERROR
        message = f"Frames have been too slow for {delay_ms:.0f} ms, over {acceptable_ms:.0f} ms"
    elif latest_ms > allowed_ms:
        level = WARN
        message = f"A frame took {latest_ms:.0f} ms, over the allowed {allowed_ms:.0f} ms"
    in_time = latest_ms is None or latest_ms <= allowed_ms
    values = {
        "is_processing_time_ms_in_expected_range": str(in_time).lower(),
        "processing_time_ms": number(latest_ms),
        "is_consecutive_processing_delay_in_range": str(delay_ms <= acceptable_ms).lower(),
        "consecutive_processing_delay_ms": number(None if latest_ms is None else delay_ms),
    }
    for stage, window in statistics.stages.items():
        found = window.percentiles()
        values[time_key(stage)] = number(found.p50 if found else None)
        for name in ("p50", "p95", "p99"):
            values[f"{stage}_{name}_ms"] = number(getattr(found, name) if found else None)
    return Report(PROCESSING, level, message, values)


def route_report(camera: str, statistics: CameraStatistics, settings: Settings) -> Report:
    """Report the route of the latest frame and why it was taken."""
    return status.route_report(
        camera,
        statistics.route,
        statistics.reason,
        statistics.illumination,
        settings.route,
        statistics.left_out,
    )


def qos_report(notices: Mapping[str, str]) -> Report:
    """Report the topics on which somebody with another quality of service waits in vain."""
    if not notices:
        return Report("qos", OK, "no mismatch was reported")
    return Report("qos", WARN, f"mismatch on {', '.join(notices)}", dict(notices))
