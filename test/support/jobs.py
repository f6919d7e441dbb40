# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs for other processes, which can only run what they can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from nightseg_ros.errors import NightsegError


def job(argument, report):
    """Do what the argument orders."""
    what, value = argument
    if what == "fail":
        raise NightsegError(value)
    if what == "break":
        raise KeyError(value)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "wait":  # leaves a note whether it was ended kindly
        Path(value).touch()
        try:
            while True:
                report(1, 10)
                time.sleep(0.05)
        finally:
            Path(value).write_text("ended", encoding="utf-8")
    report(3, 3)
    return value, os.getpid()
