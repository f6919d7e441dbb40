# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One fault: how it is injected into a running node, and what the node must do afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.faults.stage import RAW, Stage


class NotPermittedError(NightsegError):
    """The machine, or its rights for this user, do not allow the fault."""


@dataclass(frozen=True)
class Fault:
    """`inject` returns when the fault is over; frames may flow meanwhile.

    Afterwards the node must run, have published no wrong mask, hold no more threads and files than
    before, and give the next good mask within `limit_s`.
    """

    name: str
    what: str
    inject: Callable[[Stage], None]
    named_by: str = ""
    """A regular expression that the diagnostics or the log must match, if any."""
    settings: tuple[str, ...] = (RAW,)
    limit_s: float = 15.0
    short: bool = True
    """Whether the short form includes it."""
    fresh: bool = False
    """Whether it changes the process so that a new one is needed after it."""


FAULTS: list[Fault] = []
"""All faults, once the modules of this folder are imported."""
Inject = Callable[[Stage], None]


def fault(name: str, what: str, named_by: str = "", **facts: Any) -> Callable[[Inject], Inject]:
    """Declare that a function injects a fault; `facts` are the other fields of `Fault`."""

    def declare(inject: Inject) -> Inject:
        FAULTS.append(Fault(name, what, inject, named_by, **facts))
        return inject

    return declare
