# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A recording made ready to be played: messages as bytes, each with the moment it is due.

What fits into the memory that is granted is made ready before it is played, so that nothing but
the node works while it is measured. A longer film is read and decoded a little ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING

from nightseg_ros.bags.cdr_images import COMPRESSED, IMAGE, Messages, stamp_of
from nightseg_ros.bags.frames import FrameReader
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.image_headers import ImageError

if TYPE_CHECKING:
    from nightseg_ros.bags.source import Bag

LOADED_BYTES = 512 << 20
RECORDED, RAW = "recorded", "raw"
TRANSPORTS = (RECORDED, RAW)


@dataclass(frozen=True)
class Played:
    """One message to publish; `due_s` counts from the start of the film."""

    due_s: float
    camera: int
    """Its place among the cameras."""
    data: bytes


def at_rate(
    frames: Sequence[bytes], hz: float, seconds: float, cameras: int = 1
) -> Iterator[Played]:
    """Yield messages again and again at a fixed rate, each camera a little later than the last.

    >>> [(played.due_s, played.camera) for played in at_rate([b""], 10.0, 0.15, 2)]
    [(0.0, 0), (0.05, 1), (0.1, 0)]
    """
    for index in count():
        due_s = index / hz / cameras
        if due_s >= seconds:
            return
        turn, camera = divmod(index, cameras)
        yield Played(due_s, camera, frames[(turn + camera * 7) % len(frames)])


class Film:
    """The frames of some cameras of a bag, as they were recorded or as raw images."""

    def __init__(
        self,
        bag: Bag,
        cameras: Sequence[str],
        transport: str = RECORDED,
        loaded_bytes: int = LOADED_BYTES,
    ) -> None:
        """Load what fits; raise NightsegError where there is no frame that can be played."""
        self.bag, self.cameras = bag, tuple(cameras)
        kinds = {bag.topics[camera].kind for camera in cameras}
        # The node takes one kind for all its cameras.
        self._decode = kinds != {IMAGE} and (transport == RAW or len(kinds) > 1)
        self.compressed = kinds == {COMPRESSED} and not self._decode
        self.unreadable = size = 0
        ready: list[Played] = []
        for frame in self._read():
            ready.append(frame)
            size += len(frame.data)
            if size > loaded_bytes:
                break
        if not ready:
            why = f": {bag.damage}" if bag.damage else ""
            raise NightsegError(f"{bag.path} has no frame to play on {', '.join(cameras)}{why}")
        self.loaded = size <= loaded_bytes
        """Whether all of it is ready in memory."""
        self._ready = ready if self.loaded else []
        self.kind = "CompressedImage" if self.compressed else "Image"
        """The type of the messages that are played."""
        span_s = ready[-1].due_s
        self.hz = (len(ready) - 1) / span_s if span_s > 0 else 0.0
        """Frames per second of all cameras, as recorded."""
        self.frames = len(ready) if self.loaded else sum(bag.topics[c].count for c in cameras)

    def __iter__(self) -> Iterator[Played]:
        return iter(self._ready) if self.loaded else self._read()

    def head(self, frames: int | None = None, limit_bytes: int = LOADED_BYTES) -> list[Played]:
        """Return the first frames, as many as are asked for and fit; one at least."""
        if self.loaded:
            return self._ready[:frames]
        first: list[Played] = []
        for frame in islice(self, frames):
            first.append(frame)
            limit_bytes -= len(frame.data)
            if limit_bytes < 0:
                break
        return first

    def _read(self) -> Iterator[Played]:
        self.unreadable = 0
        place = {camera: index for index, camera in enumerate(self.cameras)}
        first_ns: int | None = None
        due_s = 0.0
        for bag_ns, topic, data in self._decoded() if self._decode else self._recorded():
            first_ns = bag_ns if first_ns is None else first_ns
            due_s = max(due_s, (bag_ns - first_ns) / 1e9)
            yield Played(due_s, place[topic], data)

    def _recorded(self) -> Iterator[tuple[int, str, bytes]]:
        for message in self.bag.messages(self.cameras):
            try:
                stamp_of(message.data)
            except ImageError:
                self.unreadable += 1
                continue
            yield message.bag_ns, message.topic, message.data

    def _decoded(self) -> Iterator[tuple[int, str, bytes]]:
        make = Messages()
        for frame in FrameReader(self.bag, self.cameras):
            if frame.image is None:
                self.unreadable += 1
                continue
            pixels = frame.image.pixels
            pixels = pixels if frame.image.order == "bgr" else pixels[..., ::-1]
            image = make.image(make.header(frame.stamp_ns, frame.frame_id), pixels, "bgr8")
            yield frame.bag_ns, frame.topic, make.cdr(image)
