# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Ends a launch with the exit code of the process that it depends on."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from launch.actions import EmitEvent
from launch.events import Shutdown
from launch.logging import get_logger

MOST_WAIT_S = 30.0
"""Longer than launch itself takes to kill a process that does not end."""
POLL_S = 0.05


def end_launch(event: Any, context: Any) -> list[EmitEvent] | None:
    """Shut down after a ProcessExited and exit with its code; 128 + N for signal N."""
    if context.is_shutdown:
        return None
    code = event.returncode if event.returncode >= 0 else 128 - event.returncode
    reason = f"{event.process_name} has ended with exit code {code}"
    if code:
        get_logger("nightseg").error(f"{reason}; shutting down the launch")
        # Not the action OpaqueCoroutine, which a shutdown cancels.
        ending = context.asyncio_loop.create_task(_exit_with(code))
        context.add_completion_future(ending)
    return [EmitEvent(event=Shutdown(reason=reason))]


async def _exit_with(code: int) -> None:
    """Exit once all processes have ended: launch by itself only returns the codes 0 and 1."""
    end_s = time.monotonic() + MOST_WAIT_S
    while _has_children() and time.monotonic() < end_s:
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(POLL_S)  # launch logs meanwhile how the last one ended
    raise SystemExit(code)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
