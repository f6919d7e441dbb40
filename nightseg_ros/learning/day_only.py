# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rule of zero-shot training, held by code: no frame that is not known to be of the day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.datasets.sample import DrivingSet

DAY = "day"


def require_day_only(sets: Iterable[DrivingSet]) -> None:
    """Refuse sets with a frame that is not known to be of the day.

    What is known is what the data set itself says, such as the manifest of the layout nightseg. A
    folder says nothing, and the light of a frame proves nothing: a lit street is bright by night.
    """
    for part in sets:
        for sample in part.samples:
            if sample.time_of_day == DAY and not sample.time_measured:
                continue
            if sample.time_of_day and not sample.time_measured:
                what = f"is of {sample.time_of_day}"
                remedy = "choose its day frames with @day"
            else:
                what = "does not say its time of day"
                remedy = "name a set whose manifest says day"
            raise NightsegError(
                f"{part.name}: {sample.image.name} {what}, and zero-shot training sees day only; "
                f"{remedy}"
            )
