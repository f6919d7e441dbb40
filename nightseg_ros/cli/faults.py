# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg faults`: injects faults into a running node, and judges it."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.options.fields import flag, option
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder, write_atomically

REPORT = "faults.json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg faults`."""

    short: bool = flag("a minute: fewer repetitions, no real engine")
    only: tuple[str, ...] = option(
        "only faults with this word in their name; may be given several times", (), metavar="WORD"
    )
    out: Path | None = option(
        f"folder for {REPORT} and the logs of the nodes", None, metavar="DIR", fills=True
    )
    list: bool = flag("list the faults and do nothing")


def run(options: Options) -> dict[str, object]:
    """Run the campaign."""
    from nightseg_ros.trials.faults.campaign import run_campaign, table
    from nightseg_ros.trials.faults.fault import FAULTS

    if options.list:
        return {"faults": [{"name": fault.name, "what": fault.what} for fault in FAULTS]}
    if options.only and not any(word in fault.name for word in options.only for fault in FAULTS):
        raise NightsegError(f"no fault has {' or '.join(options.only)} in its name; see --list")
    start_s = time.perf_counter()
    with scratch_folder("faults") as scratch:
        folder = options.out or scratch
        folder.mkdir(parents=True, exist_ok=True)
        verdicts = run_campaign(
            folder,
            short=options.short,
            only=options.only,
            on_fault=lambda name: print(f"nightseg faults: {name}", file=sys.stderr, flush=True),
        )
        result: dict[str, object] = {
            "form": "short" if options.short else "full",
            "seconds": time.perf_counter() - start_s,
            "faults": table(verdicts),
            "broken": [verdict.name for verdict in verdicts if not verdict.ok],
            "skipped": [verdict.name for verdict in verdicts if verdict.skipped],
        }
        if options.out:
            write_atomically(folder / REPORT, json.dumps(result, indent=1).encode())
    return {**result, "exit_code": 1 if result["broken"] else 0}


def render(result: dict[str, Any]) -> str:
    """Return the table of the faults."""
    rows = result["faults"]
    if "form" not in result:
        return "\n".join(f"{row['name']:<36}{row['what']}" for row in rows)
    lines = [f"{'':<5}{'fault':<36}{'node':<16}{'next good mask':<22}named by"]
    for row in rows:
        mark = "skip" if row["skipped"] else "ok" if row["ok"] else "FAIL"
        back = ""
        if row["back_s"] is not None:
            frames = row["back_frames"]
            back = f"{row['back_s']:.2f} s, {frames} frame{'s' if frames > 1 else ''}"
        lines.append(
            f"{mark:<5}{row['name']:<36}{row['setting']:<16}{back:<22}"
            f"{row['skipped'] or row['named'][:90]}"
        )
        lines += [f"{'':<5}  {text}" for text in (*_faults(row), row["figures"]) if text]
    judged = len(rows) - len(result["skipped"])
    lines.append("")
    lines.append(
        f"{judged - len(result['broken'])} of {judged} faults were handled as promised, "
        f"{len(result['skipped'])} skipped; {result['seconds']:.0f} s"
    )
    return "\n".join(lines)


def _faults(row: dict[str, Any]) -> list[str]:
    found = [row["broken"], row["leak"] and f"leak: {row['leak']}", *row["wrong_masks"][:3]]
    if row["crashed"]:
        found.append("the node crashed")
    if row["silent_stop"]:
        found.append("it stopped silently")
    return [text for text in found if text]
