# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parameters of the overlay node, in a table like that of the segmentation node.

One YAML file may serve both nodes, so a name that both have means the same in both.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.overlay import UNSURE
from nightseg_ros.ros.parameter_table import Table, parameter, row, tunable
from nightseg_ros.ros.settings import Settings, camera_faults

_SHARED = {field.name: field for field in dataclasses.fields(Settings)}


def _shared(name: str) -> Any:
    field = _SHARED[name]
    return dataclasses.field(default=field.default, metadata={"row": row(field)})


@dataclass(frozen=True)
class OverlaySettings(Table):
    """One consistent, immutable set of parameter values; each change makes a new one."""

    cameras: tuple[str, ...] = _shared("cameras")
    input_transport: str = _shared("input_transport")
    max_megapixels: float = _shared("max_megapixels")
    source: str = parameter(
        "segmentation_node",
        "Name of the segmentation node; this node looks for its topics in its own namespace.",
    )
    alpha: float = tunable(0.55, "Weight of the colours over the image.", (0.0, 1.0))
    legend: bool = tunable(True, "Draw the classes in view, the route and the latency.")
    hatch_below: float = tunable(
        UNSURE, "Hatch pixels whose confidence is below this; 0 hatches none.", (0.0, 1.0)
    )
    hatch_invalid: bool = tunable(True, "Hatch what a dirty, covered or dazzled camera hides.")
    overlay_rate_hz: float = tunable(
        10.0, "Most overlays drawn per second and camera; 0 is no limit.", (0.0, 1000.0)
    )

    def __post_init__(self) -> None:
        faults = self.faults() or camera_faults(self.cameras)
        if not self.source:
            faults.append("source: is empty; set it to the name of the segmentation node")
        if faults:
            raise NightsegError("; ".join(faults))

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The names of the cameras; one empty name where none is listed."""
        return self.cameras or ("",)
