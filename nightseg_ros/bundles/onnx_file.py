# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads an ONNX file without any library: its metadata, and whether it keeps weights elsewhere.

An ONNX file is a protobuf message, a sequence of numbered fields. They are read without copies, as
strictly and as leniently as the parsers of the engines do, so that no field is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, GROUP_START, GROUP_END, FOUR_BYTES = range(6)


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of every length-delimited field.

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
            continue  # deprecated; the fields of a group count as fields of the message
        elif kind == LENGTH:
            size, at = varint(message, at)
            if at + size > len(message):
                raise ValueError("the file ends early")
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError(f"{kind} is not a kind of field")


def varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number at `at`, seven bits per byte, and the position after it."""
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


MAX_DEPTH = 50
EXTERNAL_DATA = 13
_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""The numbered fields of onnx.proto that may contain a tensor, directly or below."""


def has_external_weights(onnx: bytes) -> bool:
    """Return whether any tensor of the network is stored in another file.

    False for a file that is not ONNX; engines refuse that.
    """
    try:
        return _search(memoryview(onnx), "model", 0)
    except (IndexError, ValueError):
        return False


def _search(message: memoryview, kind: str, depth: int) -> bool:
    if kind == "tensor":
        return any(number == EXTERNAL_DATA for number, _ in fields(message))
    if depth > MAX_DEPTH:
        return True  # no real network nests graphs this deeply
    parts = _PARTS[kind]
    return any(
        _search(content, parts[number], depth + 1)
        for number, content in fields(message)
        if number in parts
    )


METADATA, KEY, VALUE = 14, 1, 2
"""Field numbers: ModelProto.metadata_props, and key and value of one of them."""


def read_metadata(onnx: bytes) -> dict[str, str]:
    r"""Return the metadata of an ONNX file; empty for any other file.

    >>> read_metadata(b"\x08\x08\x72\x06\x0a\x01k\x12\x01v")
    {'k': 'v'}
    """
    found = {}
    try:
        for number, content in fields(memoryview(onnx)):
            if number == METADATA:
                pair = {key: bytes(text).decode() for key, text in fields(content)}
                found[pair[KEY]] = pair.get(VALUE, "")
    except (IndexError, KeyError, UnicodeDecodeError, ValueError):
        return {}
    return found
