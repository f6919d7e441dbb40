# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The diagnostics of frames and models, in the node and in the bags of a replay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.engine import EngineInfo

OK, WARN, ERROR = range(3)
NOT_YET = "n/a"
PROCESSING = "processing_time_status"
"""Autoware's nodes use this name, and its keys, for their processing time."""


@dataclass(frozen=True)
class Report:
    """One diagnostic status; `level` is one of the three above."""

    name: str
    level: int
    message: str
    values: dict[str, str] = field(default_factory=dict)
    logged: bool = False
    """Whether the code that found it has logged it."""


def route_report(
    camera: str,
    route: str,
    reason: str,
    illumination: float | None,
    asked_for: str,
    left_out: str = "",
    withheld: float | None = None,
) -> Report:
    """Report the route of the latest frame and why it was taken; `route` may be empty.

    `withheld` is the share of pixels that became 255 for the target error.
    """
    values = {
        "route": route or NOT_YET,
        "reason": reason or NOT_YET,
        "illumination": number(illumination),
        "asked_for": asked_for,
        "left_out": left_out,
        "withheld": number(withheld),
    }
    message = f"{route}: {reason}" if route else NOT_YET
    level = WARN if left_out else OK
    return Report(task_name("route", camera), level, message, values, logged=True)


def frame_time_report(times_ms: Mapping[str, float]) -> Report:
    """Report how long the stages of one frame took."""
    values = {"processing_time_ms": number(times_ms["total"])}
    values |= {time_key(stage): number(ms) for stage, ms in times_ms.items()}
    return Report(PROCESSING, OK, "OK", values)


def backend_report(
    bundles: Mapping[str, Bundle],
    engines: Mapping[str, EngineInfo],
    fallbacks: Sequence[str] = (),
    unavailable: Iterable[str] = (),
) -> Report:
    """Report what actually runs the models, and everything that is not as requested."""
    used = sorted({f"{info.backend} ({info.provider})" for info in engines.values()})
    level, message = OK, f"{', '.join(bundles)} on {', '.join(used)}"
    if fallbacks:
        level, message = WARN, f"{message}; fallback: {'; '.join(fallbacks)}"
    values: dict[str, str] = {}
    for role, bundle in bundles.items():
        info = engines[role]
        values |= {
            f"{role}.model": bundle.name,
            f"{role}.sha256": bundle.sha256,
            f"{role}.size": f"{bundle.width}x{bundle.height}",
            f"{role}.engine": info.backend,
            f"{role}.provider": info.provider,
            f"{role}.device": info.device,
            f"{role}.precision": info.precision,
            f"{role}.fallback_reason": info.fallback_reason,
        }
    values["fallback_reason"] = "; ".join(fallbacks)
    values["unavailable_routes"] = "; ".join(unavailable)
    return Report("backend", level, message, values, logged=True)


def time_key(stage: str) -> str:
    """Return the key for the time of a stage.

    >>> time_key("inference")
    'inference_time_ms'
    """
    return f"{stage}_time_ms"


def number(value: float | None) -> str:
    """Return a number as text; n/a is not 0."""
    return NOT_YET if value is None else f"{value:.3f}"


def task_name(task: str, camera: str) -> str:
    """Return the name of a status; a camera without a name adds nothing to it."""
    return f"{task} {camera}".strip()
