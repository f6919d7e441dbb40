# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A rendered drive as an iteration over its frames."""

from __future__ import annotations

from collections.abc import Iterator

from nightseg_ros.drive.render import DriveFrame, Renderer


def render_drive(seed, frames, size, fps=10.0) -> Iterator[DriveFrame]:
    """Yield the frames of a drive by day, through a tunnel, into dusk and night."""
    renderer = Renderer(seed, frames, size, fps)
    return map(renderer.frame, range(frames))
