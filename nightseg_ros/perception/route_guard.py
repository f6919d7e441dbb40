# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Pauses a route whose engine failed, longer each time."""

from __future__ import annotations

import time
from collections.abc import Callable

from nightseg_ros.errors import NightsegError


class Backoff:
    """Pauses that double up to `longest_s`. Time is passed in, in seconds of a steady clock.

    The pause is reset only after it has worked for longer than its last pause: something that
    works for one frame between two failures has not recovered.

    >>> pauses = Backoff(1.0, 60.0)
    >>> [pauses.failed(now_s) for now_s in (0.0, 1.0, 3.0)]
    [1.0, 2.0, 4.0]
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._pause_s = 0.0
        self._working_since_s: float | None = None
        self.failures = 0
        """Failures since it last worked for long enough."""

    def failed(self, now_s: float) -> float:
        """Record a failure and return the pause to make."""
        since_s, self._working_since_s = self._working_since_s, None
        if since_s is not None and now_s - since_s > self._pause_s:
            self.failures, self._pause_s = 0, 0.0
        self.failures += 1
        self._pause_s = min(max(self._first_s, 2.0 * self._pause_s), self._longest_s)
        return self._pause_s

    def worked(self, now_s: float) -> None:
        """Record that it works."""
        if self._working_since_s is None:
            self._working_since_s = now_s


FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class RouteGuard:
    """The failures of all routes, common to all cameras, since they share the engines."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses: dict[str, Backoff] = {}
        self._paused: dict[str, tuple[float, str]] = {}
        self._failing: set[str] = set()

    def failed(self, route: str, error: Exception) -> str:
        """Pause a route and return a sentence about it."""
        now_s = self._clock()
        pauses = self._pauses.setdefault(route, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S))
        pause_s = pauses.failed(now_s)
        why = cause(error)
        self._paused[route] = (now_s + pause_s, why)
        self._failing.add(route)
        return f"route {route} failed and is paused for {pause_s:g} s: {why}"

    def worked(self, route: str) -> str:
        """Record that a route returned a mask; return a sentence where it has recovered."""
        if route not in self._failing:
            return ""
        self._failing.discard(route)
        self._paused.pop(route, None)
        self._pauses[route].worked(self._clock())
        return f"route {route} works again"

    def paused(self) -> dict[str, str]:
        """Return the paused routes, and why."""
        now_s = self._clock()
        return {
            route: f"{route} is paused for {until_s - now_s:.1f} s after a failure: {why}"
            for route, (until_s, why) in self._paused.items()
            if until_s > now_s
        }


class RoutesFailedError(NightsegError):
    """No route could segment a frame; the text gives the cause for each."""

    def __init__(self, errors: dict[str, Exception]) -> None:
        causes = {route: cause(error) for route, error in errors.items()}
        first = next(iter(causes.values()))
        listed = "; ".join(f"{route}: {why}" for route, why in causes.items())
        super().__init__(first if len(causes) == 1 else listed)


def cause(error: Exception) -> str:
    """Return an error in one line, with its type unless it is a NightsegError."""
    text = " ".join(str(error).split())
    if isinstance(error, NightsegError):
        return text
    return f"{type(error).__name__}{': ' if text else ''}{text}"
