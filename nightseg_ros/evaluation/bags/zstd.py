# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Unpacks the zstd files and messages of a recording whose metadata cannot tell of them."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nightseg_ros.evaluation.bags.salvage import Message

MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of what is packed; no serialised message starts with them."""
_PIECE = 1 << 20


@contextmanager
def unpacked(file: Path) -> Iterator[Path | None]:
    """Give the plain file: `file`, or a temporary one with all that its packed form still holds."""
    if file.suffix != ".zstd":
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="nightseg_bag_") as folder:
        plain = Path(folder) / file.stem
        with open(plain, "wb") as out:
            try:
                with _zstd().open(file, "rb") as packed:
                    while piece := packed.read1(_PIECE):
                        out.write(piece)
            except (EOFError, _zstd().ZstdError):  # cut off: what came before is in the file
                pass
        yield plain if plain.stat().st_size else None


def unpack_message(message: Message) -> Message:
    """Return a message as it was before it was packed; one that cannot be unpacked as it is."""
    if not message.data.startswith(MAGIC):
        return message
    try:
        return message._replace(data=_zstd().decompress(message.data))
    except _zstd().ZstdError:
        return message


def _zstd() -> Any:
    """Return the module that rosbags brings, or the one of Python itself."""
    newer = sys.version_info >= (3, 14)
    return importlib.import_module("compression.zstd" if newer else "backports.zstd")
