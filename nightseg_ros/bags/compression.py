# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Unpacks what a recording holds packed: files, messages, and the chunks of an mcap file."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder

if TYPE_CHECKING:
    from nightseg_ros.bags.message import Message


MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of packed data; no serialised message starts with them."""
MAX_MESSAGE_BYTES = 1 << 29
"""Larger than any accepted image; a few kilobytes can unpack to terabytes."""
FREE_SHARE = 0.8
"""Share of the free disk space that an unpacked file may use."""
_PIECE = 1 << 20


@contextmanager
def unpacked(file: Path) -> Iterator[Path | None]:
    """Yield `file`, or a temporary file with all that can be unpacked from it."""
    if file.suffix != ".zstd":
        yield file
        return
    with scratch_folder("bag") as folder:
        plain = folder / file.stem
        room = int(FREE_SHARE * shutil.disk_usage(folder).free)
        with plain.open("wb") as out:
            try:
                with zstd_module().open(file, "rb") as packed:
                    while piece := packed.read1(_PIECE):
                        if out.tell() + len(piece) > room:
                            raise NightsegError(
                                f"{file} unpacks to more than the {room / 1e9:.1f} GB free in "
                                f"{folder.parent}; set TMPDIR to a folder on a larger disk"
                            )
                        out.write(piece)
            except (EOFError, zstd_module().ZstdError):
                pass  # cut off: the data before that is in the file
        yield plain if plain.stat().st_size else None


def unpack_message(message: Message) -> Message:
    """Return an unpacked message; one that cannot be unpacked is returned unchanged."""
    if not message.data.startswith(MAGIC):
        return message
    unpacker = zstd_module().ZstdDecompressor()
    try:
        data = unpacker.decompress(message.data, max_length=MAX_MESSAGE_BYTES)
    except zstd_module().ZstdError:
        return message
    return message._replace(data=data) if unpacker.eof else message


def zstd_module() -> Any:
    """Return the zstd module that rosbags depends on, or that of Python 3.14."""
    newer = sys.version_info >= (3, 14)
    return importlib.import_module("compression.zstd" if newer else "backports.zstd")


LARGEST = 1 << 30
"""Larger than any chunk or record that a recorder writes."""


def unpack_chunk(compression: str, data: bytes, size: int) -> bytes:
    """Return the records of a chunk; ValueError where they are not of `size` bytes."""
    if not compression:
        return data
    if compression not in _UNPACKERS:
        raise ValueError(f"'{compression:.20}' is not a compression of mcap")
    if size > LARGEST:
        raise ValueError(f"its declared size of {size} bytes is more than {LARGEST}")
    unpacker = _UNPACKERS[compression]()
    inside: bytes = unpacker.decompress(data, max_length=size + 1)
    if len(inside) != size:
        raise ValueError(f"it does not unpack to its declared size of {size} bytes")
    return inside


def _lz4() -> Any:
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor()


_UNPACKERS: dict[str, Callable[[], Any]] = {
    "lz4": _lz4,
    "zstd": lambda: zstd_module().ZstdDecompressor(),
}
