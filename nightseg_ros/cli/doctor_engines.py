# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks of the engines: which can run here, why each of the others cannot, what is built."""

from __future__ import annotations

from nightseg_ros.cli.doctor_checks import OK, WARN, Check, Finding, load
from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.engines.gpu import gpu_device
from nightseg_ros.engines.kinds import KINDS
from nightseg_ros.engines.tensorrt.cuda_driver import why_no_gpu

DRIVER = "install the driver of the GPU; `nvidia-smi` shows whether it works"


def check_engines() -> list[Finding]:
    """Ask every engine. One for GPUs that cannot run is a warning where there is a GPU."""
    kinds = [kind for kind in KINDS.values() if kind.name != "fake"]
    level = WARN if gpu_device() else OK
    findings: list[Finding] = []
    if no_gpu := why_no_gpu():
        names = ", ".join(kind.name for kind in kinds if kind.gpu)
        remedy = DRIVER if level == WARN else ""
        findings.append(Finding("engines", level, f"not {names}: {no_gpu}", remedy))
        kinds = [kind for kind in kinds if not kind.gpu]
    reasons = {kind.name: kind.why_not() or _broken(kind.name) for kind in kinds}
    for kind in kinds:
        if reasons[kind.name]:
            what, _, remedy = reasons[kind.name].rpartition("; ")
            text = f"not {kind.name}: {what}"
            findings.append(Finding("engines", level if kind.gpu else OK, text, remedy))
    ready = ", ".join(k.name for k in kinds if not (reasons[k.name] or k.built)) or "none"
    later = ", ".join(k.name for k in kinds if k.built and not reasons[k.name])
    text = f"here: {ready}" + (f"; where it was built: {later}" if later else "")
    return [Finding("engines", OK, text), *findings]


def _broken(name: str) -> str:
    """Return why a library that is installed cannot be loaded, or nothing."""
    if not name.startswith("openvino"):
        return ""
    found = load("openvino")
    return f"{found}; pip install --force-reinstall openvino" if isinstance(found, str) else ""


def check_engine_cache() -> list[Finding]:
    """Count the built engines and name those that are damaged."""
    cache = EngineCache()
    entries = cache.entries()
    remedy = "nightseg engines clean, then build the engine again"
    damaged = [f"{entry.folder.name}: {entry.problem}" for entry in entries if entry.problem]
    findings = [Finding("engine cache", WARN, text, remedy) for text in damaged]
    good = len(entries) - len(damaged)
    return [Finding("engine cache", OK, f"{good} built engines in {cache.root}"), *findings]


ENGINE_CHECKS: tuple[Check, ...] = (check_engines, check_engine_cache)
