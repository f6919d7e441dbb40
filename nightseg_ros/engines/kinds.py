# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table of engines: how each is created, and why it may not be available.

A library is loaded only when an engine is created or checked, not when it is named.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.errors import NightsegError

Trial = Callable[[str], AbstractContextManager[Any]]
"""Makes the context of an engine's trial run, by name: some engines never return from it."""


@dataclass(frozen=True)
class Options:
    """Options of all engines; each uses those that apply to it."""

    threads: int = 0
    """Threads of an engine on the CPU; 0 is one per core."""
    spinning: bool = True
    """Let idle threads poll for work between runs: slightly faster, but it occupies the cores."""
    delay_s: float = 0.0
    """Time of a run of the fake engine."""
    allow_build: bool = False
    """Build an engine that is not in the cache; this may take minutes."""
    log: Callable[[str], None] = lambda _: None
    """Called with lines about slow steps and about the chosen engine."""
    trial: Trial = nullcontext


@dataclass(frozen=True)
class Kind:
    """One kind of engine."""

    name: str
    create: Callable[[Bundle, Options], Engine]
    why_not: Callable[[], str]
    """"" where it can run on this machine, as far as that is known without a model."""
    gpu: bool = False
    built: bool = False
    """It must be built once for each model, by `nightseg build-engine`, before it can run."""
    unproven: bool = False
    """Its masks have not been compared with the ONNX on this machine when it is created."""
    wanted: bool = False
    """Its library is installed on purpose, so an engine that was never built deserves a warning."""


def _fake(bundle: Bundle, options: Options) -> Engine:
    return FakeEngine.for_bundle(bundle, delay_s=options.delay_s)


def _onnxruntime(name: str) -> Kind:
    from nightseg_ros.engines.onnxruntime.providers import CPU, PROVIDERS

    provider = PROVIDERS[name]

    def create(bundle: Bundle, options: Options) -> Engine:
        if reason := why_not():
            raise NightsegError(f"bundle {bundle.name}: {reason}")
        from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
        from nightseg_ros.engines.onnxruntime.folder import provider_folder

        return OnnxRuntimeEngine(
            bundle,
            provider=provider,
            threads=options.threads,
            spinning=options.spinning,
            folder=provider_folder(
                bundle, provider, allow_build=options.allow_build, log=options.log
            ),
        )

    def why_not() -> str:
        try:
            from nightseg_ros.engines.onnxruntime.engine import why_no_provider
        except Exception as error:  # a broken installation fails in many ways
            return f"ONNX Runtime cannot be imported ({error}); pip install onnxruntime"
        return why_no_provider(provider)

    on_gpu = provider != CPU
    built = name == "onnxruntime-tensorrt"
    return Kind(name, create, why_not, gpu=on_gpu, built=built, unproven=on_gpu)


def _openvino(name: str, precision: str) -> Kind:
    def create(bundle: Bundle, options: Options) -> Engine:
        from nightseg_ros.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(bundle, precision=precision, threads=options.threads)

    def why_not() -> str:
        from nightseg_ros.engines import openvino as openvino_engine

        return openvino_engine.why_not()

    return Kind(name, create, why_not, built=precision == "int8")


def _tensorrt() -> Kind:
    def create(bundle: Bundle, options: Options) -> Engine:
        from nightseg_ros.engines.tensorrt.engine import TensorRtEngine

        return TensorRtEngine(bundle, allow_build=options.allow_build, log=options.log)

    def why_not() -> str:
        from nightseg_ros.engines.tensorrt import engine as tensorrt_engine

        return tensorrt_engine.why_not()

    return Kind("tensorrt", create, why_not, gpu=True, built=True, wanted=True)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _tensorrt(),
        _onnxruntime("onnxruntime-tensorrt"),
        _onnxruntime("onnxruntime-nvrtx"),
        _onnxruntime("onnxruntime-cuda"),
        _openvino("openvino-int8", "int8"),
        _onnxruntime("onnxruntime-cpu"),
        _openvino("openvino", "fp32"),
        Kind("fake", _fake, lambda: ""),
    )
}
"""By name, the fastest first."""
