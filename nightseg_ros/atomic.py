# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files that are either the old ones or the new ones, never a part of the new ones."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` through a temporary file beside it."""
    write_all_atomically({path: data}, durable=False)


def write_all_atomically(files: Mapping[Path, bytes], *, durable: bool = True) -> None:
    """Write several files, replacing none before all of them are written.

    So a full disk leaves all old ones. They are replaced one by one, in the order given. With
    `durable` they are on the disk itself before, where some file systems notice that they are full.
    """
    staged: dict[Path, str] = {}
    try:
        for path, data in files.items():
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            staged[path] = temporary
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.chmod(temporary, 0o644)  # mkstemp hides its files from everyone else
        for path, temporary in staged.items():
            os.replace(temporary, path)
    finally:
        for temporary in staged.values():
            Path(temporary).unlink(missing_ok=True)
