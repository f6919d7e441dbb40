# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an ONNX file says of itself, read without any library and without its weights.

An ONNX file is a protobuf message, a row of numbered fields. The metadata are fields of the
outermost message, so that the walk steps over the graph, which is one field, as a whole.
"""

from __future__ import annotations

from nightseg_ros.onnx_fields import fields

METADATA, KEY, VALUE = 14, 1, 2
"""Field numbers: ModelProto.metadata_props, and key and value of one of them."""


def read_metadata(onnx: bytes) -> dict[str, str]:
    r"""Return the metadata of an ONNX file; of what is no ONNX file, nothing.

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
