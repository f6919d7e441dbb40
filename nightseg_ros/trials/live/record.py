# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Live figures in the folder of a replay: whichever of the two comes last makes one report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.json_file import to_json
from nightseg_ros.replay.report import REPORT, RESULT
from nightseg_ros.replay.run import finish
from nightseg_ros.report.live import live_section
from nightseg_ros.report.live_text import runs_in_words
from nightseg_ros.report.page import Chapter, Report, page

LIVE = "live.json"


def keep_live(out: Path, live: Mapping[str, Any]) -> None:
    """Write live.json and the report: that of the replay in this folder, or one of its own."""
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / LIVE, (to_json(live) + "\n").encode())
    replayed = _read(out / RESULT)
    if replayed is not None and replayed.get("bag") == live["bag"]:
        finish(out, to_json({**replayed, "live": live}) + "\n")
    else:
        title = f"Live replay of {Path(live['bag']).name}"
        lead = f"{live['frames']} frames, {runs_in_words(live)}."
        chapter = Chapter(title, lead, sections=[live_section(live)])
        write_atomically(out / REPORT, page(Report(title, lead, chapters=[chapter])).encode())


def earlier_live(out: Path, bag: Path) -> dict[str, Any] | None:
    """Return what was measured live with this recording and kept in this folder."""
    live = _read(out / LIVE)
    return live if live is not None and live.get("bag") == str(bag) else None


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
