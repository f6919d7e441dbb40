# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the camera frames of a bag in order, each with the ground truth of the same stamp."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bags.cdr_images import COMPRESSED, IMAGE, stamp_of
from nightseg_ros.bags.message import Message
from nightseg_ros.bags.source import Bag
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.image_headers import ImageError
from nightseg_ros.perception.image_messages import DecodedImage, decode, mask_pixels

TAIL = "/compressed"
_NO_CAMERA = re.compile(
    r"(^|[/_])(mask|label|segment|semantic|ground_?truth|truth|gt|depth|disparity|overlay|"
    r"confidence|theora|ffmpeg|annotat|debug)|Depth"
)
_PLAIN = re.compile(r"(/[A-Za-z0-9]+(_[A-Za-z0-9]+)*)+")
"""Topics whose slashes become two underscores without ambiguity."""
_WORD = re.compile(r"[A-Za-z0-9]+")
_LONGEST_NAME = 100
TRUTH_WITHIN = 8
"""After this many images a frame counts as one without ground truth."""


@dataclass(frozen=True)
class BagFrame:
    """One frame; `image` is None where it could not be decoded (`error`)."""

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

    If a bag has both raw and compressed images of a camera, the raw ones are used.
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
        chosen = list(dict.fromkeys(chosen))
        for name in chosen:
            if name + TAIL in chosen:
                raise NightsegError(
                    f"{name} and {name + TAIL} are one camera, raw and compressed; name one of them"
                )
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
    """Return the folder name of a camera topic, distinct for each topic.

    Slashes become two underscores. Where that is ambiguous, or the topic is not a valid ROS name,
    a digest is added.

    >>> camera_name("/front/image_raw/compressed"), camera_name("/front_image_raw")
    ('front__image_raw', 'front_image_raw')
    >>> camera_name("/.."), camera_name("/front__image_raw")
    ('topic___3a6aebc03771', 'front_image_raw___1977d161b0ca')
    """
    path = topic.removesuffix(TAIL)
    name = path.removeprefix("/").replace("/", "__")
    if _PLAIN.fullmatch(path) and len(name) <= _LONGEST_NAME:
        return name
    readable = "_".join(_WORD.findall(path))[:_LONGEST_NAME] or "topic"
    return f"{readable}___{hashlib.sha256(topic.encode(errors='surrogatepass')).hexdigest()[:12]}"


def names_camera(text: str, topic: str) -> bool:
    """Return whether a text names the camera, by topic (the slash may lack) or folder name."""
    return f"/{text.strip('/')}" in (topic, topic.removesuffix(TAIL)) or text == camera_name(topic)


Piece = tuple[int, Message, "Message | None"]
"""Index, image and ground truth of a frame, still serialised."""


@dataclass
class FrameReader:
    """Reads and decodes frames."""

    bag: Bag
    cameras: Sequence[str]
    truth_topics: Mapping[str, str] = field(default_factory=dict)
    """Camera topic -> topic of its ground truth."""

    def __post_init__(self) -> None:
        from rosbags.typesys import Stores, get_typestore

        self._types: Any = get_typestore(Stores.ROS2_HUMBLE)

    def __iter__(self) -> Iterator[BagFrame]:
        return map(self.decode, self.pieces())

    def pieces(self) -> Iterator[Piece]:
        """Yield the serialised frames, for `decode`."""
        for index, (message, truth) in enumerate(self._paired()):
            yield index, message, truth

    def _paired(self) -> Iterator[tuple[Message, Message | None]]:
        """Yield each image with the truth of its stamp, whichever was recorded first."""
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
                if len(truths) > 2 * TRUTH_WITHIN:
                    del truths[next(iter(truths))]
            else:
                waiting.append((message, (message.topic, stamp)))
            while waiting and (
                waiting[0][1][0] not in self.truth_topics
                or waiting[0][1] in truths
                or len(waiting) > TRUTH_WITHIN
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
        try:
            content = self._content(message)
            return replace(
                known,
                frame_id=str(content.header.frame_id),
                image=decode(content),
                truth=None if truth is None else mask_pixels(self._content(truth)),
            )
        except ImageError as error:
            return replace(known, error=str(error))

    def _content(self, message: Message) -> Any:
        try:
            return self._types.deserialize_cdr(message.data, message.kind)
        except Exception as error:  # rosbags raises struct.error, ValueError and others
            raise ImageError(f"message does not deserialise ({error})") from error
