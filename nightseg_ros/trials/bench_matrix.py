# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads the node with many cameras, high rates and large images, one cell of a table at a time.

Each cell starts a fresh node, gets a second of images that do not count, and is then measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage

from nightseg_ros.drive.render import Renderer
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.metrics.live import under_load
from nightseg_ros.trials.bench_node import Plan, with_models
from nightseg_ros.trials.live.film import at_rate
from nightseg_ros.trials.live.graph import LiveGraph, facts
from nightseg_ros.trials.process_usage import busy_share
from nightseg_ros.trials.soak import serialised

if TYPE_CHECKING:
    from numpy.typing import NDArray

CAMERAS, RATES = (1, 4, 8, 30), (10.0, 30.0, 60.0)
SIZES = ((854, 480), (1280, 720), (1920, 1080), (3840, 2160))
"""Width and height: 480p, 720p, 1080p, 4K."""
WARM_UP_S = 1.0
DISTINCT = 4
"""Different frames that go round; a camera that shows one only would count as frozen."""
JPEG_QUALITY = 90


@dataclass(frozen=True)
class Cell:
    """One load; the defaults are the one that all others are compared with."""

    cameras: int = 1
    hz: float = 10.0
    size: tuple[int, int] = (1280, 720)
    jpeg: bool = False

    @property
    def name(self) -> str:
        """What is sent, in words, but for its rate.

        >>> Cell(4, jpeg=True).name
        '4 cameras, 1280x720 JPEG'
        """
        cameras = f"{self.cameras} camera{'' if self.cameras == 1 else 's'}"
        return f"{cameras}, {self.size[0]}x{self.size[1]} {'JPEG' if self.jpeg else 'raw'}"


def all_cells() -> list[Cell]:
    """Return every combination."""
    product = itertools.product(CAMERAS, RATES, SIZES, (False, True))
    return [Cell(*values) for values in product]


def star_cells() -> list[Cell]:
    """Return those that differ from the default load in one thing at most, raw and as JPEG."""
    return [cell for cell in all_cells() if len(differences(cell)) < 2]


def differences(cell: Cell) -> set[str]:
    """Return in what a cell differs from the default load, raw or JPEG.

    >>> differences(Cell(cameras=8, jpeg=True))
    {'cameras'}
    """
    base = Cell()
    return {x for x in ("cameras", "hz", "size") if getattr(cell, x) != getattr(base, x)}


def measure(
    plan: Plan,
    cells: Sequence[Cell],
    on_cell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the figures of each cell; of `plan` count its engine, models and seconds."""
    drive = Renderer(1, DISTINCT, Cell().size)
    frames = [drive.frame(index).image_bgr for index in range(DISTINCT)]
    rows: list[dict[str, Any]] = []
    node: dict[str, Any] = {}
    transport = ""
    busy: list[float] = []
    with scratch_folder("bench") as scratch:
        plan = with_models(plan, scratch)
        parameters = plan.parameters()
        for cell in cells:
            messages = [_message(frame, cell) for frame in frames]
            busy.append(busy_share())
            several = cell.cameras > 1
            cameras = [f"camera_{index}" for index in range(cell.cameras)] if several else [""]
            with LiveGraph(parameters, cameras, compressed=cell.jpeg) as graph:
                graph.run(at_rate(messages, cell.hz, WARM_UP_S, cell.cameras))
                record = graph.run(at_rate(messages, cell.hz, plan.seconds, cell.cameras))
                node, transport = facts(graph.node.status), graph.transport
            rows.append({"name": cell.name, **vars(cell), **under_load(record)})
            on_cell(f"{cell.name} at {cell.hz:g} Hz")
    return {
        "seconds": plan.seconds,
        "node": node,
        "transport": transport,
        "busy": busy,
        "rows": rows,
    }


def _message(bgr: NDArray[np.uint8], cell: Cell) -> bytes:
    image = np.asarray(cv2.resize(bgr, cell.size), np.uint8)
    if not cell.jpeg:
        return serialised([image])[0]
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    message = CompressedImage(format="bgr8; jpeg compressed bgr8", data=data.tobytes())
    message.header.frame_id = "camera_optical"
    return bytes(serialize_message(message))
