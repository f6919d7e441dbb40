# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of live runs as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightseg_ros.files.text_table import text_table

LATENCIES = ("first", "last", "min", "max", "mean", "p50", "p95", "p99")
JITTERS = ("min", "max", "mean", "std")
LIMITS = {
    "node": "the node misses more above that",
    "player": "this machine cannot send any faster",
    "range": "as far as is searched",
}
LATE_MS = 20.0
"""A player that is later than this does not play at the recorded rate."""


def render_live(live: Mapping[str, Any]) -> str:
    """Return the summary, the runs and the search."""
    summary = live["summary"]
    lines = [
        f"bag       {live['bag']} ({', '.join(live['cameras'])}; {live['images']})",
        f"played    {live['frames']} frames at {live['input_hz']:.1f} per second, "
        f"{live['rate']:g} times as recorded; {runs_in_words(live)}",
        f"models    {models_in_words(live['node'])}",
    ]
    lines += [f"note      {note}" for note in notes(live)]
    lines += [
        f"masks     {_number(summary['masks'], 1)} of {_number(summary['sent'], 1)} frames, "
        f"{_number(summary['masks_per_s'])} per second; missed "
        f"{_number(summary['missed'], 1)} ({_percent(summary['missed_share'])})",
        f"node      {_number(summary['cpu_percent'], 0)} % of one core, "
        f"{_number(summary['memory_mb'], 0)} MB",
        "",
        _table("latency, ms", LATENCIES, live, "latency_ms"),
        "",
        _table("jitter, ms", JITTERS, live, "jitter_ms"),
    ]
    if live["max_rate"]:
        lines += ["", *_search(live["max_rate"])]
    return "\n".join(lines)


def models_in_words(node: Mapping[str, Any]) -> str:
    """Return the models of a node and what each runs on."""
    engines = node["engines"]
    return ", ".join(
        f"{m} ({role}) on {engines.get(role, '?')}" for role, m in node["models"].items()
    )


def runs_in_words(live: Mapping[str, Any]) -> str:
    """Return how many runs count.

    >>> runs_in_words({"runs_asked": 7, "runs_kept": 5})
    '7 runs, best and worst of each figure left out'
    >>> runs_in_words({"runs_asked": 1, "runs_kept": 1})
    '1 run only, nothing left out'
    """
    asked, counted = live["runs_asked"], live["runs_kept"]
    if counted < asked:
        return f"{asked} runs, best and worst of each figure left out"
    return f"{asked} run{'' if asked == 1 else 's'} only, nothing left out"


def notes(live: Mapping[str, Any]) -> list[str]:
    """Return what a reader of the figures should know."""
    found = list(live.get("notes", ()))
    if not live["loaded"]:
        found.append("the recording does not fit into memory: it was read beside the node")
    if live["damage"]:
        found.append(f"the recording is damaged, and played up to there: {live['damage']}")
    if live["unreadable"]:
        found.append(f"{live['unreadable']} frames of the recording cannot be played")
    if (live["summary"]["player_late_ms"] or 0.0) > LATE_MS:
        found.append(
            f"frames went out up to {live['summary']['player_late_ms']:.0f} ms late: this machine "
            "cannot play the recording so fast beside the node"
        )
    if live["node"]["fallback"]:
        found.append(f"fallback: {live['node']['fallback']}")
    return found


def _table(title: str, names: tuple[str, ...], live: Mapping[str, Any], key: str) -> str:
    rows = [
        [f"run {number}", *(_number((run[key] or {}).get(name)) for name in names)]
        for number, run in enumerate(live["runs"], 1)
    ]
    if len(rows) > 1:
        rows.append(["all", *(_number((live["summary"][key] or {}).get(n)) for n in names)])
    return text_table([title, *names], rows)


def _search(found: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            f"{trial['hz']:.1f}",
            f"{trial['reached_hz']:.1f}",
            _percent(trial["missed_share"]),
            "yes" if trial["held"] else "no",
        ]
        for trial in found["trials"]
    ]
    conclusion = "no rate was sustained"
    if found["hz"] is not None:
        conclusion = (
            f"highest rate with less than 5 % missed: {found['hz']:.1f} per second "
            f"({LIMITS[found['limit']]})"
        )
    return [text_table(["tried Hz", "sent Hz", "missed", "held"], rows), "", conclusion]


def _number(value: float | None, digits: int = 1) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and digits == 1 else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
