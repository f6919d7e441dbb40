# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fields of a protobuf message, which an ONNX file is, one after the other and without copies.

As strict and as lenient as the parsers of the engines, so that nothing hides from what looks here.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, GROUP_START, GROUP_END, FOUR_BYTES = range(6)


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of every field that has a length.

    Damage raises ValueError or IndexError.
    """
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            _, at = varint(message, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if kind == EIGHT_BYTES else 4
        elif kind in (GROUP_START, GROUP_END):
            continue  # long out of use, and what is inside such a group counts as outside
        elif kind == LENGTH:
            size, at = varint(message, at)
            if at + size > len(message):
                raise ValueError("the file ends early")
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError(f"{kind} is no kind of field")


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number at `at`, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
