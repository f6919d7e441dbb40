# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The diagnostics of the segmentation node as plain data, made from its statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightseg_ros.perception import status
from nightseg_ros.perception.status import (
    ERROR,
    NOT_YET,
    OK,
    PROCESSING,
    WARN,
    Report,
    number,
    task_name,
    time_key,
)
from nightseg_ros.ros.mailbox import Counts, Outcome

if TYPE_CHECKING:
    from nightseg_ros.ros.settings import Settings
    from nightseg_ros.ros.statistics import CameraStatistics, NodeStatistics

REJECTED_S = 5.0
"""How long the diagnostics report a rejected image."""


@dataclass(frozen=True)
class InputState:
    """The state of the subscription of one camera."""

    camera: str
    topic: str
    listening: bool
    silence_s: float
    publishers: Sequence[str]
    """The publishers of the topic, with their QoS and what does not match."""
    advice: str = ""
    clock_stopped: bool = False
    active: bool = True


def input_report(
    state: InputState, counts: Counts, statistics: CameraStatistics, settings: Settings
) -> Report:
    """Report rate, age and frame counts of a camera, and the publishers if no image arrives."""
    level, message, silent = OK, "images arrive", False
    if not state.listening:
        idle = "the outputs have no subscriber" if state.active else "the node is inactive"
        message = f"not subscribed: {idle}"
    elif state.silence_s > settings.no_image_warn_s:
        message = f"no image for {state.silence_s:.1f} s on {state.topic}"
        if state.clock_stopped:
            message += "; the simulated time has stopped"
        else:
            level, silent = WARN, True
            found = "; ".join(state.publishers)
            message += f": {found or 'no publisher'}"
            message += f"; {state.advice}" if state.advice else ""
    elif counts.received and statistics.age_ms is None and counts.rejected:
        level, message = WARN, "all images so far were rejected; see the log"
    if fault := statistics.fault(REJECTED_S):
        level = WARN
        message += f"; recently rejected: {fault}"
    missed = statistics.missed
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
        "missed: overwritten or lost": NOT_YET if missed is None else str(missed),
    }
    for outcome in Outcome:
        if outcome is not Outcome.PUBLISHED:
            values[outcome.value] = str(counts.outcomes[outcome])
    values |= {f"publisher {i + 1}": text for i, text in enumerate(state.publishers)}
    rejected = level == WARN and not silent  # each rejection has been logged
    return Report(task_name("input", state.camera), level, message, values, logged=rejected)


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
        found = window.percentiles() or {}
        values[time_key(stage)] = number(found.get("p50"))
        for name in ("p50", "p95", "p99"):
            values[f"{stage}_{name}_ms"] = number(found.get(name))
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
        statistics.withheld,
    )


def health_report(camera: str, statistics: CameraStatistics) -> Report:
    """Report what is wrong with the latest frames of a camera, where, and what is new in them."""
    health, novelty, name = statistics.health, statistics.novelty, task_name("health", camera)
    if health is None:
        return Report(name, OK, NOT_YET)
    values = {"visibility": number(health.visibility), "region": health.region()}
    values |= {key: number(value) for key, value in health.measures.items()}
    message = ", ".join(health.faults) or "the camera shows the scene"
    if health.region():
        message += f" ({health.region()})"
    unknown = novelty.warning if novelty else ""
    values |= {
        "novelty": number(novelty.value if novelty else None),
        "novelty_average": number(novelty.average if novelty else None),
        "novelty_mostly": novelty.mostly if novelty else NOT_YET,
    }
    message += f"; {unknown}" if unknown else ""
    return Report(name, WARN if health.faults or unknown else OK, message, values)


def qos_report(notices: Mapping[str, str]) -> Report:
    """Report the topics whose publisher or subscriber has an incompatible quality of service."""
    if not notices:
        return Report("qos", OK, "no mismatch was reported")
    text = f"mismatch on {', '.join(notices)}"
    return Report("qos", WARN, text, dict(notices), logged=True)
