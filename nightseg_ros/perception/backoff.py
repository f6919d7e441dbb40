# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How long to leave alone what failed: longer each time, and short again once it has held."""

from __future__ import annotations


class Backoff:
    """Pauses that double up to `longest_s`. Time is passed in, in seconds of a steady clock.

    A pause grows on where what came back fails again before it has worked for as long as its last
    pause: something that works for one frame between two failures is not well.

    >>> pauses = Backoff(1.0, 60.0)
    >>> [pauses.failed(now_s) for now_s in (0.0, 1.0, 3.0)]
    [1.0, 2.0, 4.0]
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._pause_s = 0.0
        self._well_since_s: float | None = None
        self.failures = 0
        """How often it failed since it was last well for long enough."""

    def failed(self, now_s: float) -> float:
        """Note a failure and return the pause that is due."""
        since_s, self._well_since_s = self._well_since_s, None
        if since_s is not None and now_s - since_s > self._pause_s:
            self.failures, self._pause_s = 0, 0.0
        self.failures += 1
        self._pause_s = min(max(self._first_s, 2.0 * self._pause_s), self._longest_s)
        return self._pause_s

    def worked(self, now_s: float) -> None:
        """Note that it works."""
        if self._well_since_s is None:
            self._well_since_s = now_s
