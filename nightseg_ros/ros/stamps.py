# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that the stamp of an image is valid and later than the one before."""

from __future__ import annotations


class StampOrder:
    """The stamps of one camera.

    A frame that is older than an accepted one is refused: its mask would overwrite a newer one in
    every consumer that keeps the latest. But time may jump back when a bag restarts: two older
    frames in a row, the second after the first, start a new timeline.
    """

    def __init__(self) -> None:
        self._newest_ns: int | None = None
        self._refused_ns: int | None = None

    def refuse(self, sec: int, nanosec: int) -> str:
        """Return why a stamp is refused, or an empty text where it is accepted."""
        if sec < 0 or not 0 <= nanosec < 1_000_000_000:
            return f"stamp {sec} s {nanosec} ns is not a valid time"
        now_ns = sec * 1_000_000_000 + nanosec
        newest_ns, refused_ns = self._newest_ns, self._refused_ns
        self._refused_ns = None
        if newest_ns is None or now_ns >= newest_ns:
            self._newest_ns = now_ns
            return ""
        if refused_ns is not None and refused_ns <= now_ns:
            self._newest_ns = now_ns
            return ""
        self._refused_ns = now_ns
        return f"stamp is {(newest_ns - now_ns) / 1e9:.3f} s older than that of an image before it"

    def reset(self) -> None:
        """Forget all stamps: the clock of the graph was set back."""
        self._newest_ns = self._refused_ns = None
