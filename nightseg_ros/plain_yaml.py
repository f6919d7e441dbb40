# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""YAML from strangers: data only, of a bounded size, that cannot grow when it is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from nightseg_ros.errors import NightsegError

MAX_BYTES = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    """YAML without tags that construct objects and without aliases.

    A few lines of aliases of aliases expand to gigabytes once somebody prints them.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        return super().compose_node(parent, index)


def read_plain_yaml(path: Path, check: Callable[[bytes], None] | None = None) -> dict[str, Any]:
    """Return the mapping in the file at `path`, or say in one line why it is refused.

    `check` sees the bytes before anything is made of them.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NightsegError(f"cannot read {path} ({error.strerror})") from error
    if len(raw) > MAX_BYTES:
        raise NightsegError(f"{path} is larger than {MAX_BYTES} bytes; keep only summaries in it")
    if check is not None:
        check(raw)
    try:
        data = _PlainLoader(raw.decode("utf-8")).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise NightsegError(f"{path} is not plain YAML ({reason}); write it anew") from error
    if not isinstance(data, dict):
        raise NightsegError(f"{path} holds no mapping of names to values; write it anew")
    return data
