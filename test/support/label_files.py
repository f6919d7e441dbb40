# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A label set of one's own, and tables of label sets that are as before after a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nightseg_ros.labels.label_set import KNOWN

PARK = """\
name: park3
classes: {path: [128, 64, 128], grass: [107, 142, 35], sky: [70, 130, 180]}
void: [9]
from:
  cityscapes19: {road: path, sidewalk: path, terrain: grass, sky: sky}
to:
  joint11: {path: road, grass: vegetation, sky: sky}
"""


@contextmanager
def known_sets_kept() -> Iterator[None]:
    """Forget the label sets that are read inside."""
    before = dict(KNOWN)
    try:
        yield
    finally:
        KNOWN.clear()
        KNOWN.update(before)
