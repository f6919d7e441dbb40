# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of the image decoding: `pip install atheris; python fuzz_images.py`.

Not a test of the suite: it runs until it is stopped, or finds an exception that is no ImageError.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace

import atheris

with atheris.instrument_imports():
    from nightseg_ros.perception.image_headers import ImageError
    from nightseg_ros.perception.image_messages import (
        ACCEPTED_ENCODINGS,
        decode_compressed,
        decode_image,
    )


def one(data: bytes) -> None:
    """Take the bytes for a file, and for the fields of a raw image."""
    given = atheris.FuzzedDataProvider(data)
    compressed = given.ConsumeBool()
    encoding = given.PickValueInList([*ACCEPTED_ENCODINGS, ""])
    fields = {name: given.ConsumeUInt(2) for name in ("height", "width", "step")}
    order, rest = given.ConsumeBool(), given.ConsumeBytes(100_000)
    message = SimpleNamespace(
        **fields, encoding=encoding, is_bigendian=order, data=rest, format="jpeg"
    )
    try:
        image = (decode_compressed if compressed else decode_image)(message)
    except ImageError:
        return
    assert image.pixels.ndim == 3


atheris.Setup(sys.argv, one)
atheris.Fuzz()
