# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the overlay node, a table like that of the segmentation node.

Both nodes may be given the same YAML file, so a name that both have means the same in both.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.parameter_table import Table, parameter, row
from nightseg_ros.ros.settings import Settings

_SHARED = {field.name: field for field in dataclasses.fields(Settings)}


def _shared(name: str) -> Any:
    field = _SHARED[name]
    return dataclasses.field(default=field.default, metadata={"row": row(field)})


@dataclass(frozen=True)
class OverlaySettings(Table):
    """One consistent set of parameter values; made anew for each change, never altered."""

    cameras: tuple[str, ...] = _shared("cameras")
    input_transport: str = _shared("input_transport")
    source: str = parameter(
        "segmentation_node",
        "Name of the segmentation node; its topics are looked for in this node's namespace.",
    )
    alpha: float = parameter(
        0.55, "Weight of the colours over the image.", low=0.0, high=1.0, runtime=True
    )
    legend: bool = parameter(
        True, "Draw the classes in view, the route and its latency.", runtime=True
    )
    overlay_rate_hz: float = parameter(
        10.0,
        "Overlays per second and camera that are drawn at most; 0 is no limit.",
        low=0.0,
        high=1000.0,
        runtime=True,
    )

    def __post_init__(self) -> None:
        faults = self.faults()
        if not self.source:
            faults.append("source: is empty; name the segmentation node")
        if faults:
            raise NightsegError("; ".join(faults))

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The cameras; one without a name where none is listed."""
        return self.cameras or ("",)
