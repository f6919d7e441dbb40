# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A node in its own process, and everything around it that a fault needs."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.bundles.models_folder import default_models_dir
from nightseg_ros.engines import fake_faults
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.engines.select import create_engines
from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.ros.segmentation_node import NAME
from nightseg_ros.trials.child_nodes import ChildNode, start_child
from nightseg_ros.trials.faults.observer import Observer
from nightseg_ros.trials.faults.witness import Witness
from nightseg_ros.trials.process_usage import Usage, usage
from nightseg_ros.trials.stand_in import write_stand_ins

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

RAW, COMPRESSED, SIMULATED, REAL = "raw", "compressed", "simulated time", "real engine"
SETTINGS = (RAW, COMPRESSED, SIMULATED, REAL)
"""What a node is started as; faults of one setting share a node, as long as it lives."""
START_S = 60.0
STOP_S = 20.0
FRAME_S = 0.05
SMALL = (48, 64)
"""What the stand-in networks see."""

PARAMETERS: dict[str, object] = {
    "engine": "fake",
    "allowed_routes": ["day", "night"],
    "min_dwell_s": 0.0,
    "no_image_warn_s": 0.5,
    "engine_timeout_s": 1.0,
    "max_megapixels": 64.0,
    "max_failures": 3,
    "diagnostics.period_s": 0.1,
}


class BrokenPromiseError(NightsegError):
    """The node did something that it promises not to do."""


class Recovery(NamedTuple):
    """How long it took until a frame had its mask again."""

    seconds: float
    frames: int


class Stage:
    """One node under test; `folder` gets its parameters, logs and models."""

    def __init__(self, setting: str, folder: Path, *, short: bool) -> None:
        self.setting, self.folder, self.short = setting, folder, short
        folder.mkdir(parents=True, exist_ok=True)
        self.models = folder / "models"
        self.orders = folder / "orders"
        self.orders.mkdir(exist_ok=True)
        self.parameters = {**PARAMETERS, "models_dir": str(self.models)}
        if setting == REAL:
            pipeline = self._real_pipeline()
        else:
            write_stand_ins(self.models, SMALL)
            # Both routes give the same mask: which of them was taken is not the witness's affair.
            pipeline = Pipeline({"day": FakeEngine(SMALL)}, PipelineSettings(route="day"))
        if setting == COMPRESSED:
            self.parameters["input_transport"] = "compressed"
        self.node = ChildNode(
            NAME,
            {**self.parameters, "use_sim_time": setting == SIMULATED},
            {f"image{tail}": f"/camera/image{tail}" for tail in ("", "/compressed")},
            autostart=True,
        )
        self.log = folder / "node.log"
        self._marked = 0
        self.figures = ""
        """What a fault has counted, for people."""
        self.process: subprocess.Popen[bytes]
        self._executor = SingleThreadedExecutor()
        self.observer = Observer(Witness(pipeline), compressed=setting == COMPRESSED)
        self._executor.add_node(self.observer)

    def _real_pipeline(self) -> Pipeline:
        """Return the pipeline of the installed models; the node runs the same, on route day."""
        bundles: Mapping[str, Bundle] = choose_bundles(default_models_dir(), roles=("day",))
        self.parameters |= {
            "engine": "onnxruntime-cpu",
            "models_dir": str(default_models_dir()),
            "allowed_routes": ["day"],
            "engine_timeout_s": 10.0,
            "threads": 1,
        }
        engines = create_engines(bundles, "onnxruntime-cpu", threads=1)
        return Pipeline(engines, PipelineSettings(route="day"))

    # The process.

    def start(
        self,
        env: Mapping[str, str] | None = None,
        output: IO[bytes] | None = None,
        **parameters: object,
    ) -> None:
        """Start the node, with some parameters changed, and wait until it publishes masks."""
        usual = self.node
        self.node = dataclasses.replace(usual, parameters={**usual.parameters, **parameters})
        self.launch(env, output)
        self.node = usual
        self.wait_until_listening()

    def launch(self, env: Mapping[str, str] | None = None, output: IO[bytes] | None = None) -> None:
        """Start the process of the node."""
        with self.log.open("ab") as log:
            orders = {fake_faults.VARIABLE: str(self.orders)}
            env = {**os.environ, **orders, **(env or {})}
            self.process = start_child(self.node.command(self.folder), output or log, env)

    def wait_until_listening(self) -> None:
        """Wait until the node is active and connected, and its first mask has arrived."""
        self.observer.status.clear()
        ready = self.until(
            lambda: (
                self.observer.camera.get_subscription_count() > 0
                and "input" in self.observer.status
            ),
            START_S,
        )
        if not ready or self.recover(START_S) is None:
            raise BrokenPromiseError(
                f"the node published no mask within {START_S:g} s: {self.tail()}"
            )

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        end_s = time.monotonic() + STOP_S
        while self.process.poll() is None:
            if time.monotonic() > end_s:
                self.process.kill()
                self.process.wait()
                raise BrokenPromiseError(
                    f"the node did not end within {STOP_S:g} s of signal {number}"
                )
            self.turn(0.02)
        return int(self.process.returncode)

    def close(self) -> None:
        """End everything."""
        fake_faults.clear(self.orders)
        with contextlib.suppress(NightsegError):
            if hasattr(self, "process"):
                self.end()
        self._executor.shutdown()
        self.observer.destroy_node()

    @property
    def alive(self) -> bool:
        """Whether the node runs."""
        return self.process.poll() is None

    def usage(self) -> Usage:
        """Return what the node holds."""
        return usage(self.process.pid)

    # Time and frames.

    def turn(self, seconds: float) -> None:
        """Let messages come in for a while."""
        self.until(lambda: False, seconds)

    def until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Let messages come in until something is true; False where it never was."""
        end_s = time.monotonic() + limit_s
        while not condition():
            left_s = end_s - time.monotonic()
            if left_s <= 0.0:
                return condition()
            self._executor.spin_once(timeout_sec=min(0.02, left_s))
        return True

    def stream(
        self, seconds: float, hz: float = 20.0, frame: Callable[[], Any] | None = None
    ) -> None:
        """Send frames at a rate."""
        start_s = time.monotonic()
        index = 0
        while (due_s := index / hz) < seconds:
            self.turn(max(0.0, start_s + due_s - time.monotonic()))
            self.observer.send(frame() if frame else self.observer.frame())
            index += 1
        self.turn(FRAME_S)

    def stream_until(self, pattern: str, limit_s: float) -> None:
        """Send frames until a line of the log or the diagnostics matches."""
        end_s = time.monotonic() + limit_s
        while not self.message(pattern) and time.monotonic() < end_s:
            self.stream(0.2)

    def recover(self, limit_s: float) -> Recovery | None:
        """Send frames until the mask of one arrives; None where none does."""
        start_s, frames = time.monotonic(), 0
        witness = self.observer.witness
        witness.answered.clear()
        while time.monotonic() - start_s < limit_s:
            self.observer.send(self.observer.frame())
            frames += 1
            if self.until(lambda: bool(witness.answered), FRAME_S):
                return Recovery(time.monotonic() - start_s, frames)
            if not self.alive:
                return None
        return None

    # Services.

    def call(self, client: Any, request: Any, limit_s: float = 20.0) -> Any:
        """Call a service of the node, frames or no frames."""
        if not self.until(client.service_is_ready, limit_s):
            raise BrokenPromiseError(f"service {client.srv_name} was not there for {limit_s:g} s")
        future = client.call_async(request)
        if not self.until(future.done, limit_s):
            raise BrokenPromiseError(f"{client.srv_name} did not answer within {limit_s:g} s")
        return future.result()

    def transition(self, number: int) -> bool:
        """Ask for a transition of the lifecycle; False where it was refused."""
        request = ChangeState.Request()
        request.transition.id = number
        return bool(self.call(self.observer.change, request, 60.0).success)

    def state(self) -> str:
        """Return the state of the lifecycle."""
        return str(self.call(self.observer.state, GetState.Request()).current_state.label)

    def counted(self, key: str) -> int:
        """Return a figure of the node's account of frames as it is now."""
        seen = self.observer.reports
        self.until(lambda: self.observer.reports > seen + 1, 5.0)
        return self.observer.counted(key)

    def set_parameters(self, **values: bool | float | str) -> list[bool]:
        """Set parameters one by one and return which were accepted."""
        request = SetParameters.Request()
        request.parameters = [Parameter(k, value=v).to_parameter_msg() for k, v in values.items()]
        return [x.successful for x in self.call(self.observer.parameters, request).results]

    # Log and diagnostics.

    def mark(self) -> None:
        """Forget all messages so far."""
        self.observer.messages.clear()
        self._marked = self.log.stat().st_size if self.log.exists() else 0

    def message(self, pattern: str) -> str:
        """Return the first line since the mark that matches, without its stamp."""
        for line in (*self.observer.messages, *self.log_lines()):
            if re.search(pattern, line):
                return re.sub(r"^\[\w+\] \[[\d.]+\] \[\w+\]: ", "", line)
        return ""

    def log_lines(self) -> list[str]:
        """Return what the node logged since the mark."""
        with self.log.open("rb") as file:
            file.seek(self._marked)
            return file.read().decode(errors="replace").splitlines()

    def tail(self) -> str:
        """Return the end of its log in one line."""
        return " | ".join(self.log_lines()[-4:]) or "it logged nothing"

    def order(self, fault: str, role: str = fake_faults.ANY, count: int = 1) -> None:
        """Let the fake engine fail."""
        fake_faults.inject(self.orders, fault, role, count)
