# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of engines, which the fake one has on request: it raises, hangs, returns invalid masks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from nightseg_ros.engines import fake_faults
from nightseg_ros.trials.faults.fault import fault
from nightseg_ros.trials.faults.stage import PARAMETERS, BrokenPromiseError, Stage

_FAILURES = int(str(PARAMETERS["max_failures"]))
_ALL_ROUTES = 2
NO_MASK = {
    fake_faults.SHAPE: "returned uint8 .* instead of",
    fake_faults.NAN: "returned float32",
    fake_faults.IDS: "class id 200 in 'mask', but there are 19",
    fake_faults.GARBAGE: "confidence 0 for the whole image",
    fake_faults.NOTHING: "returned nothing instead of",
    fake_faults.MEMORY: "MemoryError: out of memory",
}

CHANGES: dict[str, Callable[[Path], object]] = {
    "replaced": lambda file: file.write_bytes(b"another network"),
    "truncated": lambda file: file.write_bytes(b""),
    "deleted": Path.unlink,
}
"""What happens to the file of a model."""


@fault("one route fails", "the other takes the frame", "route day failed")
def _one_route_fails(stage: Stage) -> None:
    """No frame may be lost: the other route takes it."""
    before = stage.counted("rejected")
    stage.order(fake_faults.RAISE, "day")
    stage.stream(0.5)
    if stage.counted("rejected") > before:
        raise BrokenPromiseError("a frame was lost although the other route could take it")


@fault("all routes fail once", "CUDA error", "could not be segmented: .*CUDA")
def _all_fail_once(stage: Stage) -> None:
    """Expect the next mask within two frames."""
    stage.order(fake_faults.RAISE, count=_ALL_ROUTES)
    recovery = stage.recover(10.0)
    if recovery is None or recovery.frames > 2:
        raise BrokenPromiseError(f"the next mask came after {recovery and recovery.frames} frames")


@fault("all routes fail", "three frames in a row", r"engine:? stopped: .*CUDA error")
def _all_fail(stage: Stage) -> None:
    stage.order(fake_faults.RAISE, count=_ALL_ROUTES * _FAILURES)
    stage.stream(0.8)


@fault("engines cannot be rebuilt", "twice, after failures", "new engines could not be built")
def _cannot_be_rebuilt(stage: Stage) -> None:
    stage.order(fake_faults.START, count=2)
    stage.order(fake_faults.RAISE, count=_ALL_ROUTES * _FAILURES)
    stage.stream_until("could not be built", 15.0)


@fault("engine hangs", "and comes back much later", "hung: a frame has been under way")
def _hangs(stage: Stage) -> None:
    stage.order(fake_faults.HANG)
    stage.stream(1.8)
    if stage.recover(15.0) is None:
        raise BrokenPromiseError("no new engine took over from the hung one")
    fake_faults.clear(stage.orders)  # it comes back; what it brings must not be published


@fault("engine is slow", "over the latency budget", "over the budget of 100 ms")
def _too_slow(stage: Stage) -> None:
    stage.set_parameters(latency_budget_ms=100.0)
    stage.order(fake_faults.SLOW, "day", 6)
    stage.stream(3.0, 3.0)
    stage.set_parameters(latency_budget_ms=0.0)


def _no_mask(kind: str) -> Callable[[Stage], None]:
    def inject(stage: Stage) -> None:
        stage.order(kind, count=_ALL_ROUTES)
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


for _name, _words in NO_MASK.items():
    fault(f"engine gives {_name}", "what is no mask", _words)(_no_mask(_name))
for _name, _change in CHANGES.items():
    fault(f"model {_name}", "under the running node", _MODEL)(_with_model(_change))
