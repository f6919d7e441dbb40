# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One fault: how it is done to a running node, and what the node owes afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.ros.faults.stage import Stage


class BrokenPromiseError(NightsegError):
    """The node did something that it promises not to do."""


class NotPermittedError(NightsegError):
    """The machine, or its rights for this user, do not allow the fault."""


RAW, COMPRESSED, SIMULATED, REAL = "raw", "compressed", "simulated time", "real engine"
SETTINGS = (RAW, COMPRESSED, SIMULATED, REAL)
"""What a node is started as; faults of one setting share a node, as long as it lives."""


@dataclass(frozen=True)
class Fault:
    """`inject` does it, and returns when it is over; frames may flow meanwhile.

    Afterwards the node must run, have published no wrong mask, hold no more threads and files than
    before, and give the next good mask within `limit_s`.
    """

    name: str
    what: str
    inject: Callable[[Stage], None]
    named_by: str = ""
    """A regular expression that the diagnostics or the log must match; "" where nothing is due."""
    settings: tuple[str, ...] = (RAW,)
    limit_s: float = 15.0
    short: bool = True
    """Whether the short form has it."""
    fresh: bool = False
    """Whether it changes the process so that a new one is needed after it."""
