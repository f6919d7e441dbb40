# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The camera frames of a bag, in its order, each with the ground truth of the same stamp."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.cdr_images import stamp_of
from nightseg_ros.evaluation.bags.salvage import Message
from nightseg_ros.evaluation.bags.source import Bag
from nightseg_ros.perception.image_messages import (
    DecodedImage,
    ImageError,
    decode_compressed,
    decode_image,
    mask_pixels,
)

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
TAIL = "/compressed"
_NO_CAMERA = re.compile(
    r"(^|[/_])(mask|label|segment|semantic|ground_?truth|truth|gt|depth|disparity|overlay|"
    r"confidence|theora|ffmpeg|annotat|debug)|Depth"
)
PATIENCE = 8
"""Images that may pass before a frame is taken to have no ground truth."""


@dataclass(frozen=True)
class BagFrame:
    """One frame; `image` is None where it could not be decoded (`error`) or was not asked for."""

    index: int
    topic: str
    stamp_ns: int
    """The time in its header."""
    bag_ns: int
    """When it was recorded."""
    frame_id: str = ""
    image: DecodedImage | None = None
    truth: NDArray[np.uint8] | None = None
    error: str = ""


def camera_topics(bag: Bag, named: Sequence[str] = ()) -> list[str]:
    """Return the topics to replay: those named, or all images that do not look like masks.

    Where a bag has both the raw and the compressed images of a camera, the raw ones are taken.
    """
    images = {name for name, topic in bag.topics.items() if topic.kind in (IMAGE, COMPRESSED)}
    listed = ", ".join(sorted(images)) or "none"
    if named:
        chosen = []
        for name in dict.fromkeys(named):
            full = f"/{name.strip('/')}"
            found = next((n for n in (full, full + TAIL) if n in images), None)
            if found is None:
                raise NightsegError(f"{bag.path} has no images on '{name}'; it has {listed}")
            chosen.append(found)
        return chosen
    cameras = [name for name in sorted(images) if not _NO_CAMERA.search(name)]
    cameras = [
        name
        for name in cameras
        if name.removesuffix(TAIL) == name or name.removesuffix(TAIL) not in cameras
    ]
    if not cameras:
        raise NightsegError(
            f"{bag.path} has no camera topic (images: {listed}); name one with --topic"
        )
    return cameras


def camera_name(topic: str) -> str:
    """Return a topic as the name of a folder.

    >>> camera_name("/front/image_raw/compressed")
    'front_image_raw'
    """
    return topic.removesuffix(TAIL).strip("/").replace("/", "_")


Piece = tuple[int, Message, "Message | None"]
"""Index, image and ground truth of a frame, still as they were recorded."""


@dataclass
class FrameReader:
    """Reads and decodes; `skip` frames at the start are only counted, for a resumed replay."""

    bag: Bag
    cameras: Sequence[str]
    truth_topics: Mapping[str, str] = field(default_factory=dict)
    """Camera topic -> topic of its ground truth."""
    skip: int = 0
    also: frozenset[int] = frozenset()
    """Frames among the skipped ones that are decoded all the same."""

    def __post_init__(self) -> None:
        from rosbags.typesys import Stores, get_typestore

        self._types: Any = get_typestore(Stores.ROS2_HUMBLE)

    def __iter__(self) -> Iterator[BagFrame]:
        return map(self.decode, self.pieces())

    def pieces(self) -> Iterator[Piece]:
        """Yield the frames as they were recorded, for `decode`."""
        for index, (message, truth) in enumerate(self._paired()):
            yield index, message, truth

    def _paired(self) -> Iterator[tuple[Message, Message | None]]:
        """Yield each image with the truth of its stamp, whichever of them comes first."""
        camera_of = {truth: camera for camera, truth in self.truth_topics.items()}
        waiting: deque[tuple[Message, tuple[str, int]]] = deque()
        truths: dict[tuple[str, int], Message] = {}
        for message in self.bag.messages([*self.cameras, *camera_of]):
            try:
                stamp = stamp_of(message.data)
            except ImageError:
                stamp = -1
            if message.topic in camera_of:
                truths[camera_of[message.topic], stamp] = message
                if len(truths) > 2 * PATIENCE:
                    del truths[next(iter(truths))]
            else:
                waiting.append((message, (message.topic, stamp)))
            while waiting and (
                waiting[0][1][0] not in self.truth_topics
                or waiting[0][1] in truths
                or len(waiting) > PATIENCE
            ):
                image, key = waiting.popleft()
                yield image, truths.pop(key, None)
        for image, key in waiting:
            yield image, truths.pop(key, None)

    def decode(self, piece: Piece) -> BagFrame:
        """Return a frame; may be called in any thread."""
        index, message, truth = piece
        try:
            stamp = stamp_of(message.data)
        except ImageError as error:
            return BagFrame(index, message.topic, 0, message.bag_ns, error=str(error))
        known = BagFrame(index, message.topic, stamp, message.bag_ns)
        if index < self.skip and index not in self.also:
            return known
        try:
            content = self._content(message)
            decode = decode_image if message.kind == IMAGE else decode_compressed
            ids = None if truth is None else mask_pixels(self._content(truth))
            return BagFrame(
                index,
                message.topic,
                stamp,
                message.bag_ns,
                str(content.header.frame_id),
                decode(content),
                ids,
            )
        except ImageError as error:
            return BagFrame(index, message.topic, stamp, message.bag_ns, error=str(error))

    def _content(self, message: Message) -> Any:
        try:
            return self._types.deserialize_cdr(message.data, message.kind)
        except Exception as error:  # rosbags lets struct.error, ValueError and others through
            raise ImageError(f"message does not deserialise ({error})") from error
