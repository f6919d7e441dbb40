# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The route fused beside the networks it is made of, and whether it pays for its time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.text_table import cell, text_table

ROWS = {
    "miou_first": "the day network alone",
    "miou_second": "the night network alone",
    "miou_mean": "plain mean of both",
    "miou": "fused: weighed pixel by pixel",
}
SETS = {
    "night": "bdd_labelled_val@night",
    "day": "bdd_labelled_val@day",
    "dusk": "bdd_labelled_val@dusk,dark",
}
PAYS = 1.0
"""Points by night over the night network from which a second network may be worth its time."""


def fused_rows(path: Path) -> dict[str, dict[str, float | None]]:
    """Return the figures that a training of the recipe fused left, by row and set."""
    if not path.is_file():
        return {}
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        found = {
            row: {key: _number(figures.get(f"{row}/{name}")) for key, name in SETS.items()}
            for row in ROWS
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NightsegError(f"{path} is no result of the recipe fused ({error})") from error
    return found


def render_fused(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the rows as text, with the verdict."""
    lines = [[ROWS[row], *(cell(found[key], 1) for key in SETS)] for row, found in rows.items()]
    table = text_table(["route fused", *SETS], lines, left=(0,))
    fused, alone = rows["miou"]["night"], rows["miou_second"]["night"]
    if fused is None or alone is None:
        return table
    gain = fused - alone
    what = "may pay" if gain >= PAYS else "does not pay, so no such model is shipped"
    verdict = f"By night {gain:+.2f} over the night network, in twice its time: it {what}."
    return f"{table}\n\n{verdict}"


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
