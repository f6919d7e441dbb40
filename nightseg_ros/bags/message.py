# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A message in a recording, and checks for values that ROS cannot record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

_LONGEST_NAME = 255
"""Longest name of a topic in ROS 2."""


@dataclass(frozen=True)
class Topic:
    """Type and number of messages of one topic."""

    kind: str
    count: int


class Message(NamedTuple):
    """One recorded message, serialised."""

    topic: str
    kind: str
    """Its type, as in "sensor_msgs/msg/Image"."""
    bag_ns: int
    """When it was recorded."""
    data: bytes


class DamageError(Exception):
    """The recording cannot be read beyond this point; ends an iteration."""


def checked(topic: object, kind: object, bag_ns: object, data: object) -> Message:
    """Return a message from the fields of a file after checking types and ranges."""
    check_topic(topic, kind)
    if not isinstance(bag_ns, int) or not 0 <= bag_ns < 1 << 63:
        raise DamageError(f"a message was recorded at {bag_ns!r:.40}, which is not a valid time")
    if not isinstance(data, bytes | bytearray | memoryview):
        raise DamageError(f"a message is of type {type(data).__name__}, not bytes")
    return Message(str(topic), str(kind), bag_ns, bytes(data))


def check_topic(name: object, kind: object) -> None:
    """Refuse an invalid name of a topic (it becomes a folder name) or of a type."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
        raise DamageError(f"a topic is named {name!r:.80}, which is not a valid name in ROS")
    if not isinstance(kind, str):
        raise DamageError(f"the type of {name} is {kind!r:.80}, which is not a valid name in ROS")
