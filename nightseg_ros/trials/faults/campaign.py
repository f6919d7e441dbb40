# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Injects every fault into a running node and records the outcome."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.signals import SignalHandlerOptions

from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.engines import fake_faults
from nightseg_ros.trials.child_nodes import isolated
from nightseg_ros.trials.faults import (  # noqa: F401 (they declare the faults)
    camera_faults,
    engine_faults,
    graph_faults,
    image_faults,
    resource_faults,
)
from nightseg_ros.trials.faults.fault import FAULTS, Fault, NotPermittedError
from nightseg_ros.trials.faults.stage import REAL, SETTINGS, BrokenPromiseError, Stage

if TYPE_CHECKING:
    from nightseg_ros.trials.process_usage import Usage

NAMED_S = 3.0
"""How long a diagnostic may take after the fault is over."""
CALM_S = 8.0
"""How long threads and files may take to be released."""
SPARE_FILES = 2
SPARE_BYTES = 32 << 20
"""Growth that is no leak: pools of allocators and of the middleware fill up once."""


@dataclass
class Verdict:
    """The outcome of one fault."""

    name: str
    setting: str
    what: str
    crashed: bool = False
    wrong_masks: list[str] = field(default_factory=list)
    silent_stop: bool = False
    leak: str = ""
    back_s: float | None = None
    back_frames: int | None = None
    """Until the next good mask, counted from the end of the fault."""
    named: str = ""
    """The diagnostic that named it."""
    broken: str = ""
    """The promise that was broken, where it is none of the above."""
    figures: str = ""
    """What was counted meanwhile."""
    skipped: str = ""

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        bad = self.crashed or self.wrong_masks or self.silent_stop or self.leak or self.broken
        return not bad


def run_campaign(
    folder: Path,
    *,
    short: bool,
    only: Sequence[str] = (),
    on_fault: Callable[[str], None] = lambda _: None,
    faults: Sequence[Fault] = FAULTS,
) -> list[Verdict]:
    """Run all faults, or those whose names contain one of `only`; logs stay in `folder`."""
    verdicts: list[Verdict] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(isolated())
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        for setting in SETTINGS:
            chosen = [fault for fault in faults if setting in fault.settings]
            chosen = [fault for fault in chosen if not short or fault.short]
            if only:
                chosen = [f for f in chosen if any(word in f.name for word in only)]
            if setting == REAL and (short or not find_bundles(default_models_dir())):
                if not short:
                    why = "no models are installed"
                    verdicts += [Verdict(f.name, setting, f.what, skipped=why) for f in chosen]
                continue
            if chosen:
                name = setting.replace(" ", "_")
                verdicts += _run_setting(folder / name, setting, chosen, short, on_fault)
    return verdicts


def table(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as plain data."""
    return [{**asdict(verdict), "ok": verdict.ok} for verdict in verdicts]


def _run_setting(
    folder: Path,
    setting: str,
    faults: Sequence[Fault],
    short: bool,
    on_fault: Callable[[str], None],
) -> list[Verdict]:
    verdicts = []
    stage = Stage(setting, folder, short=short)
    try:
        stage.start()
        for fault in faults:
            on_fault(f"{fault.name} ({setting})")
            if not stage.alive:
                stage.start()
            verdicts.append(judge(stage, fault))
            if fault.fresh and stage.alive:
                stage.end(signal.SIGKILL)
    finally:
        stage.close()
    return verdicts


def judge(stage: Stage, fault: Fault) -> Verdict:
    """Inject one fault into a working node and judge the outcome."""
    verdict = Verdict(fault.name, stage.setting, fault.what)
    witness = stage.observer.witness
    if stage.recover(fault.limit_s) is None:
        verdict.broken = f"the node did not work before: {stage.tail()}"
        return verdict
    stage.mark()
    stage.figures = ""
    witness.forget()
    witness.wrong.clear()
    before, pid = stage.usage(), stage.process.pid
    try:
        fault.inject(stage)
    except NotPermittedError as error:
        verdict.skipped = str(error)
        return verdict
    except BrokenPromiseError as error:
        verdict.broken = str(error)
    finally:
        fake_faults.clear(stage.orders)
    recovery = stage.recover(fault.limit_s) if stage.alive else None
    verdict.crashed = not stage.alive
    if recovery is not None:
        verdict.back_s, verdict.back_frames = recovery
    verdict.named = _named(stage, fault)
    verdict.silent_stop = recovery is None and not verdict.crashed and not verdict.named
    if recovery is None and not verdict.broken:
        verdict.broken = f"no mask within {fault.limit_s:g} s"
    elif fault.named_by and not verdict.named and not verdict.broken:
        verdict.broken = "no diagnostic named it"
    if stage.alive and stage.process.pid == pid:
        verdict.leak = _leak(stage, before)
    verdict.wrong_masks = list(witness.wrong)
    verdict.figures = stage.figures
    return verdict


def _named(stage: Stage, fault: Fault) -> str:
    """Return the first message that names the fault."""
    if not fault.named_by:
        return ""
    stage.until(lambda: bool(stage.message(fault.named_by)), NAMED_S)
    return stage.message(fault.named_by)


def _leak(stage: Stage, before: Usage) -> str:
    """Return what the node holds more than before, once it has had time to free it."""

    def calm() -> bool:
        now = stage.usage()
        return now.threads <= before.threads and now.files <= before.files + SPARE_FILES

    if not stage.until(calm, CALM_S):
        now = stage.usage()
        return (
            f"{before.threads} threads became {now.threads}, "
            f"{before.files} files became {now.files}"
        )
    grown = stage.usage().own_bytes - before.own_bytes
    return f"{grown / 1e6:.0f} MB more memory" if grown > SPARE_BYTES else ""
