# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What engines do: raise, hang, crawl, give what is no mask. The fake one does it to order."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from nightseg_ros.engines import fake_faults
from nightseg_ros.ros.faults.fault import BrokenPromiseError, Fault
from nightseg_ros.ros.faults.stage import PARAMETERS, Stage

_FAILURES = int(str(PARAMETERS["max_failures"]))
_ALL_ROUTES = 2
NO_MASK = {
    fake_faults.SHAPE: "gave uint8 .* instead of",
    fake_faults.NAN: "gave float32",
    fake_faults.IDS: "class id 200, and there are 19",
    fake_faults.GARBAGE: "confidence 0 for the whole image",
    fake_faults.NOTHING: "gave nothing instead of",
    fake_faults.MEMORY: "MemoryError: out of memory",
}

CHANGES: dict[str, Callable[[Path], object]] = {
    "replaced": lambda file: file.write_bytes(b"another network"),
    "truncated": lambda file: file.write_bytes(b""),
    "deleted": Path.unlink,
}
"""What happens to the file of a model."""


def _one_route_fails(stage: Stage) -> None:
    """No frame may be lost: the other route takes it."""
    before = stage.counted("rejected")
    stage.order(fake_faults.RAISE, "day")
    stage.stream(0.5)
    if stage.counted("rejected") > before:
        raise BrokenPromiseError("a frame was lost although the other route could take it")


def _all_fail_once(stage: Stage) -> None:
    """Expect the next mask within two frames."""
    stage.order(fake_faults.RAISE, count=_ALL_ROUTES)
    recovery = stage.recover(10.0)
    if recovery is None or recovery.frames > 2:
        raise BrokenPromiseError(f"the next mask came after {recovery and recovery.frames} frames")


def _all_fail(stage: Stage) -> None:
    stage.order(fake_faults.RAISE, count=_ALL_ROUTES * _FAILURES)
    stage.stream(0.8)


def _cannot_be_rebuilt(stage: Stage) -> None:
    stage.order(fake_faults.START, count=2)
    stage.order(fake_faults.RAISE, count=_ALL_ROUTES * _FAILURES)
    stage.stream_until("could not be built", 15.0)


def _hangs(stage: Stage) -> None:
    stage.order(fake_faults.HANG)
    stage.stream(1.8)
    if stage.recover(15.0) is None:
        raise BrokenPromiseError("no new engine took over from the hung one")
    fake_faults.clear(stage.orders)  # it comes back; what it brings must not be published


def _too_slow(stage: Stage) -> None:
    stage.set_parameters(latency_budget_ms=100.0)
    stage.order(fake_faults.SLOW, "day", 6)
    stage.stream(3.0, 3.0)
    stage.set_parameters(latency_budget_ms=0.0)


def _no_mask(fault: str) -> Callable[[Stage], None]:
    def inject(stage: Stage) -> None:
        stage.order(fault, count=_ALL_ROUTES)
        stage.stream(0.3)

    return inject


def _with_model(change: Callable[[Path], object]) -> Callable[[Stage], None]:
    """Change the model file; then make the node look for it again, and put it back."""

    def inject(stage: Stage) -> None:
        file = stage.models / "stand_in_day" / "model.onnx"
        copy = stage.folder / "model.onnx"
        shutil.copy(file, copy)
        change(file)
        if stage.recover(10.0) is None:
            raise BrokenPromiseError("what runs must not need the file any more")
        stage.order(fake_faults.RAISE, count=_ALL_ROUTES * _FAILURES)
        stage.stream_until("could not be built", 15.0)
        shutil.copy(copy, file)

    return inject


_MODEL = r"new engines could not be built: .*stand_in_day.*(sha256|cannot read|has 0 bytes)"

FAULTS = (
    Fault("one route fails", "the other takes the frame", _one_route_fails, "route day failed"),
    Fault("all routes fail once", "CUDA error", _all_fail_once, "could not be segmented: .*CUDA"),
    Fault("all routes fail", "three frames in a row", _all_fail, r"engine:? stopped: .*CUDA error"),
    Fault(
        "engines cannot be rebuilt",
        "twice, after failures",
        _cannot_be_rebuilt,
        "new engines could not be built",
    ),
    Fault("engine hangs", "and comes back much later", _hangs, "hung: a frame has been under way"),
    Fault("engine is slow", "over the latency budget", _too_slow, "over the budget of 100 ms"),
    *(
        Fault(f"engine gives {name}", "what is no mask", _no_mask(name), words)
        for name, words in NO_MASK.items()
    ),
    *(
        Fault(f"model {name}", "under the running node", _with_model(change), _MODEL)
        for name, change in CHANGES.items()
    ),
)
