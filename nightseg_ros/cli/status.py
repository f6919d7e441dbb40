# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg status`: what the running nodes report, where there is no `ros2` tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nightseg_ros.cli.options.fields import option
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.status import ERROR, OK, WARN

EXIT_FAIL = 1
LONGEST_S = 600.0
SILENT = "has sent no diagnostics in this time: it hangs, or diagnostics.period_s is longer"
_WORDS = {OK: "ok", WARN: "warn", ERROR: "ERROR"}

ABOUT = (
    "Print the state of running nodes, as they send it on /diagnostics; with --json the "
    "figures too. The exit code is 1 where a node reports an error, or nothing at all."
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg status`."""

    seconds: float = option(
        "how long to listen; more than diagnostics.period_s of the nodes (default: 3)", 3.0
    )


def run(options: Options) -> dict[str, object]:
    """Listen, and return what was received."""
    if not 0.0 < options.seconds <= LONGEST_S:
        raise NightsegError(f"--seconds {options.seconds:g} is outside 0 to {LONGEST_S:g}")
    from nightseg_ros.ros.running_nodes import listen

    nodes = listen(options.seconds)
    found = [
        {
            "name": node.name,
            "level": _word(node.level),
            "statuses": [{**vars(x), "level": _word(x.level)} for x in node.reports.values()],
        }
        for node in nodes
    ]
    failed = any(node.level >= ERROR for node in nodes)
    return {"nodes": found, "exit_code": EXIT_FAIL if failed else 0}


def render(result: dict[str, Any]) -> str:
    """Return a paragraph for each node, with a line for each status."""
    lines: list[str] = []
    for node in result["nodes"]:
        lines += ["", f"{node['name']}: {node['level']}"]
        if not node["statuses"]:
            lines.append(f"  {SILENT}")
        width = max((len(status["name"]) for status in node["statuses"]), default=0)
        for status in node["statuses"]:
            lines.append(f"  {status['level']:<5}  {status['name']:<{width}}  {status['message']}")
    return "\n".join(lines[1:])


def _word(level: int) -> str:
    return _WORDS.get(level, "stale")
