# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg doctor`: what this machine has, what it lacks, and what to do about each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from nightseg_ros.cli.doctor_checks import FAIL, OK, WARN, Finding
from nightseg_ros.cli.doctor_engines import ENGINE_CHECKS
from nightseg_ros.cli.doctor_machine import MACHINE_CHECKS
from nightseg_ros.cli.doctor_ros import ROS_CHECKS
from nightseg_ros.cli.interrupts import interrupted
from nightseg_ros.cli.options.fields import flag

EXIT_FAIL = 1
_MARKS = {OK: "ok  ", WARN: "warn", FAIL: "FAIL"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg doctor`."""

    no_ros: bool = flag("leave ROS out, where only `segment` is wanted")


def run(options: Options) -> dict[str, object]:
    """Check everything; a check that breaks is a finding too, and the others go on."""
    findings: list[Finding] = []
    checks = MACHINE_CHECKS + ENGINE_CHECKS + (() if options.no_ros else ROS_CHECKS)
    for check in checks:
        try:
            findings += check()
        except Exception as error:  # a doctor must not die of what it finds
            name = check.__name__.removeprefix("check_")
            text = f"the check broke: {type(error).__name__}: {error}"
            findings.append(Finding(name, FAIL, text, "report it to the authors of nightseg_ros"))
    if interrupted():
        raise KeyboardInterrupt  # a check may have taken it for a fault of what it loads
    failed = any(finding.level == FAIL for finding in findings)
    return {
        "findings": [dataclasses.asdict(finding) for finding in findings],
        "exit_code": EXIT_FAIL if failed else 0,
    }


def render(result: dict[str, Any]) -> str:
    """Return the findings, each with its remedy below it, and the sum."""
    rows = result["findings"]
    width = max(len(row["what"]) for row in rows)
    lines = []
    for row in rows:
        lines.append(f"{_MARKS[row['level']]}  {row['what']:<{width}}  {row['text']}")
        if row["remedy"]:
            lines.append(f"{'':<{width + 8}}-> {row['remedy']}")
    counts = {level: sum(row["level"] == level for row in rows) for level in _MARKS}
    lines.append(f"ok: {counts[OK]}, warnings: {counts[WARN]}, failures: {counts[FAIL]}")
    return "\n".join(lines)
