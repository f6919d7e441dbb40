# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which routes can be trusted with a frame: one whose engine failed rests, longer each time."""

from __future__ import annotations

import time
from collections.abc import Callable

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.backoff import Backoff

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class RouteGuard:
    """The failures of all routes, over all cameras, since they share the engines."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses: dict[str, Backoff] = {}
        self._resting: dict[str, tuple[float, str]] = {}
        self._failing: set[str] = set()

    def failed(self, route: str, error: Exception) -> str:
        """Let a route rest and return what happened, as a sentence."""
        now_s = self._clock()
        pauses = self._pauses.setdefault(route, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S))
        pause_s = pauses.failed(now_s)
        why = cause(error)
        self._resting[route] = (now_s + pause_s, why)
        self._failing.add(route)
        return f"route {route} failed and rests for {pause_s:g} s: {why}"

    def worked(self, route: str) -> str:
        """Note that a route gave a mask; return a sentence where that is news."""
        if route not in self._failing:
            return ""
        self._failing.discard(route)
        self._resting.pop(route, None)
        self._pauses[route].worked(self._clock())
        return f"route {route} works again"

    def resting(self) -> dict[str, str]:
        """Return the routes that are not to be tried yet, and why."""
        now_s = self._clock()
        return {
            route: f"{route} rests for {until_s - now_s:.1f} s after a failure: {why}"
            for route, (until_s, why) in self._resting.items()
            if until_s > now_s
        }


class RoutesFailedError(NightsegError):
    """No route could segment a frame; the text names each with its cause."""

    def __init__(self, errors: dict[str, Exception]) -> None:
        causes = {route: cause(error) for route, error in errors.items()}
        first = next(iter(causes.values()))
        listed = "; ".join(f"{route}: {why}" for route, why in causes.items())
        super().__init__(first if len(causes) == 1 else listed)


def cause(error: Exception) -> str:
    """Return an error in one line; whoever reads it must see what kind it is."""
    text = " ".join(str(error).split())
    if isinstance(error, NightsegError):
        return text
    return f"{type(error).__name__}{': ' if text else ''}{text}"
