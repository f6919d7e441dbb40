# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the files that accompany the code: in the checkout, or in the share folder."""

from __future__ import annotations

from pathlib import Path


def share_folder(name: str) -> Path:
    """Return the package's `config`, `launch` or `models` folder, installed or in a checkout.

    Every way of installing (colcon, a distribution's package, pip for the system, the user or a
    virtual environment) puts share/ next to a parent of the code's folder.
    """
    here = Path(__file__).resolve()
    checkout = here.parents[2]
    if (checkout / "package.xml").is_file():
        return checkout / name
    shares = (parent / "share" / "nightseg_ros" / name for parent in here.parents)
    return next((share for share in shares if share.is_dir()), checkout / name)
