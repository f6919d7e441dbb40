# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What `make` would run, without running it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def last_line(repository: Path, *words: str) -> str:
    """Return the last command of a target; its prerequisites stand before it."""
    # These tests may run under make themselves, whose options this make must not take over.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "-n", *words]
    done = subprocess.run(command, cwd=repository, env=alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_tests_with_nodes_run_on_another_middleware(repository: Path):
    words = last_line(repository, "test", "RMW=rmw_cyclonedds_cpp", "ARGS=test/ros").split()
    assert words[0] == "RMW_IMPLEMENTATION=rmw_cyclonedds_cpp"
    assert words[-3:] == ["-m", "ros", "test/ros"]


def test_zenoh_needs_no_router_in_tests(repository: Path):
    line = last_line(repository, "test", "RMW=rmw_zenoh_cpp")
    assert "ZENOH_CONFIG_OVERRIDE=scouting/multicast/enabled=true" in line
    assert "ZENOH_" not in last_line(repository, "test", "RMW=rmw_cyclonedds_cpp")


def test_all_tests_run_on_the_middleware_of_the_environment(repository: Path):
    line = last_line(repository, "test")
    assert "RMW_IMPLEMENTATION" not in line
    assert "--cov" in line
