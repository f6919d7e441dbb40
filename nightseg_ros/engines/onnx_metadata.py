# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an ONNX file says of itself, read without any library and without its weights.

An ONNX file is a protobuf message, a row of numbered fields. The metadata are fields of the
outermost message, so that the walk steps over the graph, which is one field, as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

METADATA, KEY, VALUE = 14, 1, 2
"""Field numbers: ModelProto.metadata_props, and key and value of one of them."""
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5


def read_metadata(onnx: bytes) -> dict[str, str]:
    r"""Return the metadata of an ONNX file; of what is no ONNX file, nothing.

    >>> read_metadata(b"\x08\x08\x72\x06\x0a\x01k\x12\x01v")
    {'k': 'v'}
    """
    found = {}
    try:
        for number, content in _fields(memoryview(onnx)):
            if number == METADATA:
                pair = {key: bytes(text).decode() for key, text in _fields(content)}
                found[pair[KEY]] = pair.get(VALUE, "")
    except (IndexError, KeyError, UnicodeDecodeError, ValueError):
        return {}
    return found


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of every field that has a length."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            _, at = _varint(message, at)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            at += 8 if kind == EIGHT_BYTES else 4
        elif kind == LENGTH:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("the file ends early")
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError(f"{kind} is no kind of field")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
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
