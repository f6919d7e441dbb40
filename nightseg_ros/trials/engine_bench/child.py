# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One contender of a bench in a process of its own, so that its peak of memory is its own.

Both ends of the line are here. A line of JSON goes in, a line of JSON comes back: first what to
run, then as often as wanted for how long to run it. Libraries that print to stdout cannot disturb
that: the child's own stdout is put elsewhere before any of them is loaded.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from nightseg_ros.engines.gpu import gpu_device, nvidia_smi
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.memory import peak_memory

CREATE_TIMEOUT_S, RUN_TIMEOUT_S = 1800.0, 600.0
"""An engine may be built while it is created; a run that takes minutes hangs."""


class Runner(Protocol):
    """What is measured: `step` takes images on the host and returns results on the host."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What really runs: backend, provider, device, precision, fallback_reason."""

    def step(self) -> None:
        """Run once."""

    def close(self) -> None:
        """Free what is held."""


def serve(create: Callable[[Mapping[str, Any]], Runner]) -> int:
    """Run as the child: create what the first line names, then run it for each further line."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(content: Mapping[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    try:
        spec = json.loads(sys.stdin.readline())
        before_mb, start_s = _gpu_mb(), time.perf_counter()
        runner = create(spec)
        runner.step()
        ready_s, after_mb = time.perf_counter() - start_s, _gpu_mb()
        gpu_mb = None if before_mb is None or after_mb is None else after_mb - before_mb
        answer({**runner.facts, "ready_s": ready_s, "gpu_mb": gpu_mb})
        for line in sys.stdin:
            order = json.loads(line)
            times_ms = run_for(runner.step, order["seconds"], order["least"])
            answer({"ms": times_ms, "peak_mb": (peak_memory() or 0) / (1 << 20)})
        runner.close()
    except Exception as error:  # every failure becomes the reason in the table
        answer({"error": " ".join(str(error).split())[:300] or type(error).__name__})
        return 1
    return 0


def run_for(step: Callable[[], None], seconds: float, least: int) -> list[float]:
    """Return the milliseconds of each run: for so many seconds, and at least so many runs."""
    times_ms: list[float] = []
    end = time.perf_counter() + seconds
    while len(times_ms) < least or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times_ms.append(1e3 * (time.perf_counter() - start))
    return times_ms


def gpu_fact(field: str) -> str:
    """Return one fact of the first GPU, as nvidia-smi names it; empty where it is unknown."""
    return nvidia_smi(field) if gpu_device() else ""


def _gpu_mb() -> float | None:
    """Return the GPU memory in use by all processes."""
    used = gpu_fact("memory.used")
    return float(used) if used.replace(".", "", 1).isdigit() else None


class Child:
    """The parent's end; `facts` holds what the child reported."""

    def __init__(self, module: str, spec: Mapping[str, Any], env: Mapping[str, str]) -> None:
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **env, "PYTHONPATH": os.pathsep.join(paths)},
        )
        try:
            self.facts = self._ask(spec, CREATE_TIMEOUT_S)
        except BaseException:
            self.close()
            raise

    def run(self, seconds: float, least: int) -> dict[str, Any]:
        """Return the times and the peak of memory of one block of runs."""
        return self._ask({"seconds": seconds, "least": least}, RUN_TIMEOUT_S + seconds)

    def close(self) -> None:
        """End the child; closing twice is fine."""
        process = self._process
        if process.stdin is not None and not process.stdin.closed:
            try:
                process.stdin.close()
                process.wait(10.0)
            except (subprocess.TimeoutExpired, OSError):
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._log.close()

    def _ask(self, content: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise NightsegError("the line to the measuring process is closed")
        try:
            process.stdin.write(json.dumps(content).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            pass  # it ended; the reason is in its last line
        if not select.select([process.stdout], [], [], timeout_s)[0]:
            process.kill()
            raise NightsegError(f"no answer in {timeout_s:.0f} s")
        line = process.stdout.readline()
        if not line:
            process.wait()
            raise NightsegError(f"the process ended by itself ({self._log_tail()})")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise NightsegError(answer["error"])
        return answer

    def _log_tail(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f"exit code {self._process.returncode}" + (f", {lines[-1][:200]}" if lines else "")
