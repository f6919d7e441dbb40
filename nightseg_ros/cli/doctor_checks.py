# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a check of `nightseg doctor` is and returns."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. What is not ok has a remedy."""

    what: str
    level: str
    text: str
    remedy: str = ""

    def __post_init__(self) -> None:
        assert self.level == OK or self.remedy, f"{self.what} needs a remedy"


Check = Callable[[], list[Finding]]


def load(name: str) -> ModuleType | str:
    """Return a module, or why it cannot be imported; libraries fail in many ways."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
