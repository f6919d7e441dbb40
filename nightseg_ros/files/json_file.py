# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Results and records as JSON: plain values only, written atomically."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically


def write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """Write an indented record, atomically."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


def read_json(path: Path, remedy: str) -> dict[str, Any] | None:
    """Return a record, None if there is none; NightsegError with the remedy if it is damaged."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NightsegError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:
        raise NightsegError(f"{path} is damaged ({error}); {remedy}") from error
    if not isinstance(value, dict):
        raise NightsegError(f"{path} is damaged (it contains no mapping); {remedy}")
    return value


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
