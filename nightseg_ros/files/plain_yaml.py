# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads untrusted YAML: plain data only, in bounded size and time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.regular import require_regular

MAX_BYTES = 1 << 16
MAX_DEPTH = 32
MAX_DIGITS = 64
_PLAIN = {
    f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "seq", "map")
}


class _PlainLoader(yaml.SafeLoader):
    """Mappings, lists, texts, numbers, booleans and null; no tags, no aliases, not too deep.

    A few lines of nested aliases expand to gigabytes when printed, and thousands of open brackets
    take seconds to fail.
    """

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        if getattr(event, "tag", None) not in (None, "!"):
            raise yaml.YAMLError(f"tags ({event.tag}) are not allowed")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"it is nested deeper than {MAX_DEPTH}")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Keep dates, base-60 numbers (1:30) and numbers with many digits as texts."""
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        text = kind is yaml.ScalarNode and (":" in value or len(value) > MAX_DIGITS)
        return tag if tag in _PLAIN and not text else self.DEFAULT_SCALAR_TAG


def plain_value(text: str) -> Any:
    """Return the value of `text` as YAML; NightsegError gives the reason in one line.

    >>> plain_value("[1, 1:30, 2026-01-31, yes]")
    [1, '1:30', '2026-01-31', True]
    """
    try:
        return _PlainLoader(text).get_single_data()
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise NightsegError(f"not plain YAML ({reason})") from error


def read_plain_yaml(path: Path, check: Callable[[bytes], None] | None = None) -> dict[str, Any]:
    """Return the mapping in the file at `path`; NightsegError gives the reason in one line.

    `check` gets the bytes before they are parsed.
    """
    try:
        require_regular(path)
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NightsegError(f"cannot read {path} ({error.strerror})") from error
    if check is not None and len(raw) <= MAX_BYTES:
        check(raw)
    return plain_mapping(raw, path)


def plain_mapping(raw: bytes, path: Path) -> dict[str, Any]:
    """Return the mapping in `raw`, the content of the file at `path`."""
    if len(raw) > MAX_BYTES:
        raise NightsegError(f"{path} is larger than {MAX_BYTES} bytes; keep only summaries in it")
    try:
        data = plain_value(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NightsegError(f"{path} is not plain YAML ({error}); write it again") from error
    except NightsegError as error:
        raise NightsegError(f"{path} is {error}; write it again") from error
    if not isinstance(data, dict):
        raise NightsegError(f"{path} contains no mapping of names to values; write it again")
    return data
