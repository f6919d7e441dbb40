# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Counts images that were sent but never seen by this node, where the middleware numbers them.

A subscription holds the newest image only: an image that nobody has read yet is overwritten, and
no event reports it. Nor does an event report every image that the transport dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.subscription import Subscription

MESSAGE_INFO = hasattr(Subscription, "CallbackType")
"""Whether callbacks can receive the message info (after Humble)."""
_PUBLISHERS = 16


class MissedMessages:
    """The numbers of the newest messages of each publisher of a topic."""

    def __init__(self) -> None:
        self._newest: dict[bytes, int] = {}

    def before(self, info: Mapping[str, Any]) -> int | None:
        """Return how many were sent before this one and after the last one seen.

        None where unknown: the numbers are per publisher, and only Kilted identifies the publisher.

        >>> missed = MissedMessages()
        >>> camera = {"publisher_gid": {"data": b"camera"}}
        >>> [missed.before({**camera, "publication_sequence_number": n}) for n in (7, 8, 11)]
        [0, 0, 2]
        """
        number, publisher = info.get("publication_sequence_number"), info.get("publisher_gid")
        if number is None or not publisher:
            return None
        if len(self._newest) > _PUBLISHERS:  # of publishers that came and went
            self._newest.clear()
        gid: bytes = publisher["data"]
        between = number - self._newest.get(gid, number - 1) - 1
        self._newest[gid] = number
        return max(0, int(between))

    def reset(self) -> None:
        """Forget all: images sent while nobody is subscribed are not missed."""
        self._newest.clear()
