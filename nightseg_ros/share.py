# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the files beside the code are: in the checkout, or in an installation's share folder."""

from __future__ import annotations

from pathlib import Path


def share_folder(name: str) -> Path:
    """Return the package's `config`, `launch` or `models` folder, installed or in a checkout.

    Every way of installing (colcon, a distribution's package, pip for the system, the user or a
    virtual environment) puts share/ beside a parent of the folder that holds the code.
    """
    here = Path(__file__).resolve()
    checkout = here.parents[1]
    if (checkout / "package.xml").is_file():
        return checkout / name
    shares = (parent / "share" / "nightseg_ros" / name for parent in here.parents)
    return next((share for share in shares if share.is_dir()), checkout / name)
