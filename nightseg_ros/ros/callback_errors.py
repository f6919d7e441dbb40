# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Exceptions in callbacks must not end a node: they are logged, counted and reported."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from nightseg_ros.perception.route_guard import cause
from nightseg_ros.perception.status import OK, WARN, Report
from nightseg_ros.ros.logs import ThrottledLog

TASK = "callbacks"
RECENT_S = 60.0
"""How long the diagnostics warn about an exception."""


class CallbackErrors:
    """The exceptions of one node."""

    def __init__(
        self, log: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log_error, self._clock = ThrottledLog(log), clock
        self._count = 0
        self._last, self._last_s = "", float("-inf")

    def __call__(self, source: str, error: Exception) -> None:
        """Record an exception that a callback of `source` raised."""
        self._count += 1
        self._last, self._last_s = f"{source} raised {cause(error)}", self._clock()
        trace = "".join(traceback.format_exception(error))
        self._log_error(source, f"raised {cause(error)}; the node continues\n{trace}")

    def report(self) -> Report:
        """Return the count and the latest exception, for the diagnostics."""
        values = {"failed": str(self._count), "latest": self._last}
        if self._clock() - self._last_s < RECENT_S:
            return Report(TASK, WARN, self._last, values, logged=True)
        return Report(TASK, OK, "no callback has failed recently", values)


@runtime_checkable
class CountsErrors(Protocol):
    """A node that counts its exceptions."""

    callback_errors: CallbackErrors
