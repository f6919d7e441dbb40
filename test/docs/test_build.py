# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The pages build without a warning."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("sphinx", reason="the extra `docs` is not installed")
pytest.importorskip("myst_parser", reason="the extra `docs` is not installed")


@pytest.mark.slow
def test_pages_build_without_a_warning(repository, tmp_path):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [
            *command,
            "-d",
            str(tmp_path / "doctrees"),
            str(repository / "doc"),
            str(tmp_path / "html"),
        ],
        env={"PYTHONPATH": str(repository), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    index = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert "Troubleshooting" in index
