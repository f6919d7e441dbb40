# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Our classifiers on the user's copy of CODaN, as rows of the zero-shot table.

The data set is not ours to bring: each row is the result.json of one training of the recipe
min_max_classifier, and the row of the table it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.min_max_paper import ROWS

PREFIX, NIGHT = "top1/", "night"


def read_codan(named: Sequence[str]) -> dict[str, float]:
    """Return top-1 by night, in percent, by row, from texts `ROW=FILE`."""
    known = [row.ours for row in ROWS if row.ours]
    found: dict[str, float] = {}
    for text in named:
        name, equals, file = text.partition("=")
        if not equals or not file:
            raise NightsegError(f"--codan {text}: write ROW=FILE, FILE a result.json")
        if name not in known:
            raise NightsegError(f"--codan {text}: row '{name}' is unknown; {', '.join(known)}")
        found[name] = _by_night(Path(file))
    return found


def _by_night(path: Path) -> float:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        nights = {k: float(v) for k, v in figures.items() if k.startswith(PREFIX) and NIGHT in k}
    except FileNotFoundError as error:
        raise NightsegError(f"there is no {path}; train a classifier first") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NightsegError(f"{path} is no result of a training ({error})") from error
    if len(nights) != 1:
        splits = ", ".join(name.removeprefix(PREFIX) for name in nights) or "none"
        raise NightsegError(
            f"{path} has figures of these splits by night: {splits}; need just one, named "
            "in `test` of the recipe min_max_classifier"
        )
    return nights.popitem()[1]
