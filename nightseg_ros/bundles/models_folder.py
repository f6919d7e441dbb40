# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folder that holds the model folders, and what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from nightseg_ros.bundles.bundle import YAML_FILE
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.share import share_folder


def default_models_dir() -> Path:
    """Return the models folder: $NIGHTSEG_MODELS, else that of this installation."""
    named = os.environ.get("NIGHTSEG_MODELS")
    return Path(named).expanduser() if named else share_folder("models")


def find_bundles(models_dir: str | os.PathLike[str]) -> list[Path]:
    """Return the folders in `models_dir` that contain a model.yaml, sorted by name."""
    try:
        return sorted(path.parent for path in Path(models_dir).glob(f"*/{YAML_FILE}"))
    except OSError as error:
        raise NightsegError(
            f"cannot list the models folder {models_dir} ({error.strerror}); name a readable one"
        ) from error
