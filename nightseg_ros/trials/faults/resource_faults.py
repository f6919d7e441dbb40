# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Faults of the machine: too little processor, memory or disk, frozen and killed processes."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import psutil
from sensor_msgs.msg import CompressedImage

from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.trials.faults.fault import NotPermittedError, fault
from nightseg_ros.trials.faults.stage import COMPRESSED, RAW, REAL, BrokenPromiseError, Stage

HUGE = (6000, 8000)
SPARE_BYTES = 64 << 20
_CLEAN_ENDS = (0, -signal.SIGTERM)
"""The second where the signal came before Python had begun."""


@fault("processor starved", "nice 19 on a busy core", fresh=True, limit_s=30.0)
def _starved(stage: Stage) -> None:
    """Run it at the lowest priority on a core that others keep busy."""
    core = min(os.sched_getaffinity(0))
    burners = [
        subprocess.Popen(
            [sys.executable, "-c", "while True: pass"], preexec_fn=lambda: _bind(0, core)
        )
        for _ in range(2)
    ]
    try:
        for thread in psutil.Process(stage.process.pid).threads():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                os.setpriority(os.PRIO_PROCESS, thread.id, 19)
                _bind(thread.id, core)
        stage.stream(1.5 if stage.short else 6.0)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def _bind(pid: int, core: int) -> None:
    os.sched_setaffinity(pid, {core})


@fault(
    "memory limit", "64 MB to spare, images of 48 megapixels", "(?i)memory", settings=(COMPRESSED,)
)
def _no_memory(stage: Stage) -> None:
    """Set a limit just above what it has, and send images that need three times more."""
    pid = stage.process.pid
    try:
        before = resource.prlimit(pid, resource.RLIMIT_AS)
    except PermissionError as error:
        raise NotPermittedError("limits of other processes may not be changed") from error
    size = psutil.Process(pid).memory_info().vms
    resource.prlimit(pid, resource.RLIMIT_AS, (size + SPARE_BYTES, before[1]))
    try:
        png = cv2.imencode(".png", np.zeros(HUGE, np.uint8))[1].tobytes()
        for _ in range(2 if stage.short else 6):
            message = CompressedImage(format="mono8; png compressed ")
            message.data = array("B", png)
            stage.observer.stamp(message)
            # Not by way of the witness: it would need that memory here.
            stage.observer.camera.publish(message)
            stage.turn(0.5)
            stage.stream(0.2)
    finally:
        if stage.alive:
            resource.prlimit(pid, resource.RLIMIT_AS, before)


@fault("disk full", "log file and terminal", short=False)
def _disk_full(stage: Stage) -> None:
    """Neither the terminal nor the log file accept any output."""
    if not Path("/dev/full").exists():
        raise NotPermittedError("this system has no /dev/full")
    stage.end()
    with _small_folder("size=64k") as folder, Path("/dev/full").open("wb") as full:
        with contextlib.suppress(OSError):
            (folder / "filler").write_bytes(bytes(1 << 20))
        stage.start({"ROS_LOG_DIR": str(folder)}, full)
        stage.stream(1.0)
        bad = stage.observer.frame()
        bad.step = 1
        stage.observer.send(bad)  # which the node would log
        stage.stream(0.5)
        if stage.end() != 0:
            raise BrokenPromiseError(f"it ended with {stage.process.returncode} on a full disk")
    stage.start()


@contextlib.contextmanager
def _small_folder(options: str) -> Iterator[Path]:
    """Yield a small file system, or a folder where nothing can be written at all."""
    with scratch_folder("faults") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        done = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603
        if done.returncode:
            yield Path("/proc/nightseg_no_such_folder")
            return
        try:
            yield folder
        finally:
            subprocess.run(["umount", str(folder)], capture_output=True, check=False)  # noqa: S603, S607


@fault("engine cache read-only", "from the start", settings=(REAL,))
def _cache_read_only(stage: Stage) -> None:
    """Let `auto` look for engines in it, which it does before it chooses the processor."""
    stage.end()
    with _small_folder("ro") as folder:
        env = {"NIGHTSEG_ENGINE_CACHE": str(folder), "CUDA_VISIBLE_DEVICES": ""}
        stage.start(env, engine="auto", allow_build=True)
        stage.stream(0.5)
        stage.end()
    stage.start()


@fault("process frozen", "for a second", settings=(RAW, REAL))
def _frozen(stage: Stage) -> None:
    stage.process.send_signal(signal.SIGSTOP)
    stage.turn(1.0)
    stage.process.send_signal(signal.SIGCONT)


@fault(
    "signals",
    "SIGTERM and SIGKILL at random moments, then a new start",
    settings=(RAW, REAL),
    short=False,
)
def _signalled(stage: Stage) -> None:
    """SIGTERM and SIGKILL, while it starts and while it works."""
    rng = random.Random(3)
    rounds = 1 if stage.short else 5
    for number in (signal.SIGTERM, signal.SIGKILL) * rounds:
        if rng.random() < 0.5 and not stage.short:
            stage.end()
            stage.launch()
        stage.stream(rng.uniform(0.0, 1.5))
        code = stage.end(number)
        if number == signal.SIGTERM and code not in _CLEAN_ENDS:
            raise BrokenPromiseError(f"SIGTERM ended it with exit code {code}: {stage.tail()}")
        stage.start()
