# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C: until the verb is loaded `nightseg` leaves at once, after that it is an exception.

It is remembered too: some libraries turn a KeyboardInterrupt that comes while they are imported
into an error of their own.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

EXIT_INTERRUPTED = 130
_seen = False


def leave_on_interrupt() -> None:
    """Let Ctrl-C end the process at once: there is nothing to clean up yet."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # `nohup` has it ignored
        signal.signal(signal.SIGINT, _leave)


def raise_interrupts() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on: there may be something to clean up."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, _interrupt)


def interrupted() -> bool:
    """Return whether Ctrl-C has been pressed, even where its KeyboardInterrupt was swallowed."""
    return _seen


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"nightseg: interrupted\n")
    os._exit(EXIT_INTERRUPTED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    global _seen
    _seen = True
    raise KeyboardInterrupt
