# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Unpacks the zstd files and messages of a recording whose metadata cannot tell of them."""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.bags.salvage import Message

MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of what is packed; no serialised message starts with them."""
MAX_MESSAGE_BYTES = 1 << 29
"""More than any image that is accepted; a few kilobytes can unpack to terabytes."""
FREE_SHARE = 0.8
"""Of the free disk, that a file may fill when it is unpacked."""
_PIECE = 1 << 20


@contextmanager
def unpacked(file: Path) -> Iterator[Path | None]:
    """Give the plain file: `file`, or a temporary one with all that its packed form still holds."""
    if file.suffix != ".zstd":
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="nightseg_bag_") as folder:
        plain = Path(folder) / file.stem
        room = int(FREE_SHARE * shutil.disk_usage(folder).free)
        with open(plain, "wb") as out:
            try:
                with _zstd().open(file, "rb") as packed:
                    while piece := packed.read1(_PIECE):
                        if out.tell() + len(piece) > room:
                            raise NightsegError(
                                f"{file} unpacks to more than {room / 1e9:.1f} GB, which is what "
                                f"{folder} has room for; unpack it on a larger disk (TMPDIR)"
                            )
                        out.write(piece)
            except (EOFError, _zstd().ZstdError):  # cut off: what came before is in the file
                pass
        yield plain if plain.stat().st_size else None


def unpack_message(message: Message) -> Message:
    """Return a message as it was before it was packed; one that cannot be unpacked as it is."""
    if not message.data.startswith(MAGIC):
        return message
    unpacker = _zstd().ZstdDecompressor()
    try:
        data = unpacker.decompress(message.data, max_length=MAX_MESSAGE_BYTES)
    except _zstd().ZstdError:
        return message
    return message._replace(data=data) if unpacker.eof else message


def _zstd() -> Any:
    """Return the module that rosbags brings, or the one of Python itself."""
    newer = sys.version_info >= (3, 14)
    return importlib.import_module("compression.zstd" if newer else "backports.zstd")
