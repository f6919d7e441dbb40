# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: a ROS domain of their own, the driving images, and honest skips."""

from __future__ import annotations

import atexit
import importlib.util
import os
import signal
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Two test runs on one machine, or a robot on the same network, must not hear each other. These
# are read when rclpy is initialised, and processes that tests start inherit them.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
# Engines that were built on this machine must not be taken, nor those of tests be left there.
_SCRATCH = tempfile.TemporaryDirectory(prefix="nightseg_test_")
atexit.register(_SCRATCH.cleanup)
os.environ["NIGHTSEG_ENGINE_CACHE"] = f"{_SCRATCH.name}/engines"
os.environ.setdefault("ROS_LOG_DIR", f"{_SCRATCH.name}/log")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background of a script
    signal.signal(signal.SIGINT, signal.default_int_handler)
if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one worker, and all files with nodes in the same one.

    So fixtures of a module are made once, and no two graphs run at the same time.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "ros" if _uses_ros(file) else file

    return Scheduler(config, log)


@cache
def _uses_ros(file: str) -> bool:
    return "mark.ros" in (REPOSITORY / file).read_text(encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they use, and skip those that need a ROS which is not there."""
    no_ros = importlib.util.find_spec("rclpy") is None
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
        if no_ros and item.get_closest_marker("ros"):
            reason = "rclpy is not installed: source a ROS 2, or pip install '.[ros]'"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder that holds setup.py."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of driving images (NIGHTSEG_DATA, else ../shared/data)."""
    named = os.environ.get("NIGHTSEG_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no driving images at {folder}: set NIGHTSEG_DATA to their folder")
    return folder
