# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Measures the segmentation node from outside: camera here, node in a process of its own.

Real messages over real DDS. What the node cannot know, the time until a mask has arrived, is
taken here against the stamp of its image; what it alone knows comes from its ~/debug topics; the
account of frames comes from its diagnostics.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor

from nightseg_ros.bundle import default_models_dir, find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.stand_in import write_stand_ins
from nightseg_ros.ros.bench_camera import NODE, Camera, Plan
from nightseg_ros.ros.statistics import STAGES, percentiles
from nightseg_ros.ros.transport import apply_large_image_transport

WARM_UP_FRAMES = 10
SETTLE_S = 3.0


def measure(plan: Plan, on_second: Callable[[float], None] = lambda _: None) -> dict[str, Any]:
    """Run the plan and return the figures; `on_second` is told how long it has been measuring."""
    with tempfile.TemporaryDirectory(prefix="nightseg_bench_") as scratch:
        plan = _with_models(plan, Path(scratch))
        # Both processes: no other graph on this machine or network, and room for large images.
        os.environ["ROS_DOMAIN_ID"] = str(random.randint(1, 100))
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        transport = apply_large_image_transport(os.environ)
        rclpy.init(args=[])
        camera = Camera(plan)
        executor = SingleThreadedExecutor()
        executor.add_node(camera)
        try:
            with _segmentation_node(plan) as process:
                node_cpu = _drive(camera, executor, process, plan, on_second)
        finally:
            executor.remove_node(camera)
            camera.destroy_node()
            rclpy.try_shutdown()
    return {**_results(camera, plan), "transport": transport, "node_cpu": node_cpu}


def _with_models(plan: Plan, scratch: Path) -> Plan:
    """Return the plan with an engine that can run: the fake one needs no real models."""
    folder = Path(plan.models_dir) if plan.models_dir else default_models_dir()
    engine = plan.engine
    if engine == "auto" and (plan.engine_delay_ms or not find_bundles(folder)):
        engine = "fake"
    if engine == "fake":
        folder = scratch
        write_stand_ins(scratch)
    elif plan.engine_delay_ms:
        raise NightsegError(f"a delay needs the fake engine, not '{engine}'; use --engine fake")
    return replace(plan, engine=engine, models_dir=str(folder))


@contextmanager
def _segmentation_node(plan: Plan) -> Iterator[subprocess.Popen[bytes]]:
    parameters = {
        "models_dir": plan.models_dir,
        "engine": plan.engine,
        "fake_delay_ms": plan.engine_delay_ms,
        "diagnostics.period_s": 0.5,
    }
    command = [sys.executable, "-m", "nightseg_ros.ros.segmentation_node", "--autostart"]
    command += ["--ros-args", "--log-level", "warn", "-r", f"__node:={NODE}"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    process = subprocess.Popen(command)  # noqa: S603
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _drive(
    camera: Camera,
    executor: SingleThreadedExecutor,
    process: subprocess.Popen[bytes],
    plan: Plan,
    on_second: Callable[[float], None],
) -> float:
    """Send for as long as the plan says, then let the account settle.

    Returns the processor time that the node took of that, as a share of one core.
    """
    start_s = time.perf_counter()
    while not camera.connected:
        executor.spin_once(timeout_sec=0.1)
        if process.poll() is not None or time.perf_counter() - start_s > 60.0:
            raise NightsegError("the segmentation node did not come up; its log is above")
    stop = threading.Event()
    sender = threading.Thread(target=camera.send, args=(stop,), daemon=True)
    start_s = told_s = time.perf_counter()
    start_cpu_s = _cpu_seconds(process.pid)
    sender.start()
    try:
        while (elapsed_s := time.perf_counter() - start_s) < plan.seconds:
            executor.spin_once(timeout_sec=0.1)
            if time.perf_counter() - told_s > 1.0:
                told_s = time.perf_counter()
                on_second(elapsed_s)
    finally:
        stop.set()
        sender.join()
    end_s = time.perf_counter()
    node_cpu = (_cpu_seconds(process.pid) - start_cpu_s) / (end_s - start_s)
    while time.perf_counter() - end_s < SETTLE_S:
        executor.spin_once(timeout_sec=0.1)
    return node_cpu


def _results(camera: Camera, plan: Plan) -> dict[str, Any]:
    account = camera.status.get("input", {})
    keys = ("received", "published", "dropped", "rejected", "in_flight")
    counts = {key: int(account.get(key, 0)) for key in keys}
    received = counts.pop("received")
    figures = {"latency": camera.latency_ms, **camera.figures}
    kept = {name: sorted(values[WARM_UP_FRAMES:]) for name, values in figures.items()}
    if not kept["latency"]:
        raise NightsegError(
            f"only {camera.masks} masks came back for {camera.sent} images; measure for longer"
        )
    summaries = {name: percentiles(values)._asdict() for name, values in kept.items() if values}
    missing = [figure for figure in STAGES if figure not in summaries]
    if missing:
        raise NightsegError(f"the node sent no figures of {', '.join(missing)}; measure for longer")
    engine_ms = summaries["inference"]["p50"] + summaries["translate"]["p50"]
    backend = camera.status.get("backend", {})
    return {
        "image": f"{plan.width}x{plan.height} bgr8 at {plan.camera_hz:g} Hz",
        "engine": backend.get("day.engine", plan.engine),
        "provider": backend.get("day.provider", ""),
        "seconds": plan.seconds,
        "sent": camera.sent,
        "masks_back": camera.masks,
        "received": received,
        **counts,
        "lost_by_middleware": camera.sent - received,
        "account_exact": received == sum(counts.values()),
        "milliseconds": summaries,
        "engine_ms": engine_ms,
        "largest_age_in_engine_times": summaries["age"]["largest"] / max(engine_ms, 1e-3),
    }


def _cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
