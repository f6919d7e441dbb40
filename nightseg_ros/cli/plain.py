# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Results as JSON that every reader accepts: no NaN, no numpy types, no Python objects."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from typing import Any


def to_plain(value: Any) -> Any:
    """Return the value built of dict, list, str, int, float, bool and None only.

    Numbers that JSON cannot hold (NaN, infinities) become None.

    >>> to_plain({"iou": float("nan"), "frames": 3, "size": (720, 1280)})
    {'iou': None, 'frames': 3, 'size': [720, 1280]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    elif isinstance(value, enum.Enum):
        value = value.value
    elif hasattr(value, "tolist"):  # numpy scalars and arrays, torch tensors
        value = value.tolist()
    if isinstance(value, dict):
        return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def to_json(value: object) -> str:
    """Return the value as JSON text for --json."""
    return json.dumps(to_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
