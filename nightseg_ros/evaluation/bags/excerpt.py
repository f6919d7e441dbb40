# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The beginning of a recording, thinned out where it would be too much, read as if it were all."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from typing import final

from nightseg_ros.evaluation.bags.salvage import Message
from nightseg_ros.evaluation.bags.source import Bag, Topic


@final
class Excerpt(Bag):
    """Some cameras of a bag for some seconds; every n-th frame of each."""

    def __init__(self, whole: Bag, cameras: Sequence[str], seconds: float = 0.0) -> None:
        """Read through the stretch once, to know what it holds; 0 seconds are all."""
        self.path = whole.path
        self._whole, self._cameras, self._seconds, self._every = whole, cameras, seconds, 1
        counts: Counter[str] = Counter()
        first_ns = last_ns = 0
        for message in self.messages(cameras):
            first_ns = first_ns or message.bag_ns
            last_ns = message.bag_ns
            counts[message.topic] += 1
        self.span_s = (last_ns - first_ns) / 1e9
        self.topics = {name: Topic(whole.topics[name].kind, counts[name]) for name in cameras}

    @property
    def frames(self) -> int:
        """The frames of all cameras."""
        return sum(topic.count for topic in self.topics.values())

    def thinned(self, frames: int) -> Excerpt:
        """Return the same stretch with so many frames at most, at equal distances."""
        thin = copy.copy(self)
        thin._every = max(1, -(-self.frames // frames))
        thin.topics = {
            name: Topic(topic.kind, -(-topic.count // thin._every))
            for name, topic in self.topics.items()
        }
        return thin

    def messages(self, topics: Collection[str]) -> Iterator[Message]:
        """Yield the frames of the stretch in the order of their recording."""
        self.damage = ""
        seen: Counter[str] = Counter()
        first_ns: int | None = None
        chosen = [name for name in self._cameras if name in topics]
        with closing(self._whole.messages(chosen)) as messages:  # type: ignore[type-var]
            for message in messages:
                first_ns = message.bag_ns if first_ns is None else first_ns
                if self._seconds and message.bag_ns - first_ns >= self._seconds * 1e9:
                    return
                if seen[message.topic] % self._every == 0:
                    yield message
                seen[message.topic] += 1
        self.damage = self._whole.damage
