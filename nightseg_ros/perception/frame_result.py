# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the pipeline returns for a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.perception.novelty import Novelty
from nightseg_ros.perception.timing import ENGINE_STAGES

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameResult:
    """All that is known about one frame; `mask` and `confidence` have the size of the frame."""

    mask: Image
    confidence: Image | None
    route: str
    reason: str
    illumination: float
    times_ms: dict[str, float]
    left_out: str = ""
    """Why better routes may have been left out: over the budget, or paused after a failure."""
    events: tuple[str, ...] = ()
    """What happened to routes during this frame: failures and recoveries."""
    withheld: float | None = None
    """The share of pixels that became 255 for the target error; None without one."""
    novelty: Novelty | None = None
    """How far the frame is from those that the model knows; None where that is not stored."""
    hazy: bool = False
    """Whether it has so little contrast, as in fog, that its illumination may deceive."""

    @property
    def engine_ms(self) -> float:
        """The time inside the engines."""
        return sum(self.times_ms[stage] for stage in ENGINE_STAGES)
