# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The engines that there are: how each is made, and why it cannot be here.

Libraries are loaded when an engine is made or asked about, and not before: naming one costs none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class Options:
    """What engines are made with; each takes what concerns it."""

    threads: int = 0
    """Of an engine on the CPU; 0 is one per core."""
    spinning: bool = True
    """Let idle threads poll for work between runs: faster by a little, but it burns the cores."""
    delay_s: float = 0.0
    """What the fake engine needs for a run."""
    allow_build: bool = False
    """Build what is not in the cache; it may take minutes."""
    say: Callable[[str], None] = lambda line: None
    """Hears what takes long, and what was chosen."""


@dataclass(frozen=True)
class Kind:
    """One way to run a network."""

    name: str
    create: Callable[[Bundle, Options], Engine]
    why_not: Callable[[], str]
    """"" where it can run on this machine, as far as that is known without a model."""
    gpu: bool = False
    built: bool = False
    """It is built once for a model, by `nightseg build-engine`, before it can run."""
    unproven: bool = False
    """Nobody has held its masks against the ONNX on this machine before it is made."""
    wanted: bool = False
    """Who installed its library wants it: that its engine was never built is worth a warning."""


def _fake(bundle: Bundle, options: Options) -> Engine:
    return FakeEngine.for_bundle(bundle, delay_s=options.delay_s)


def _onnxruntime(name: str) -> Kind:
    from nightseg_ros.engines.onnxruntime_providers import CPU, PROVIDERS

    provider = PROVIDERS[name]

    def create(bundle: Bundle, options: Options) -> Engine:
        if reason := why_not():
            raise NightsegError(f"bundle {bundle.name}: {reason}")
        from nightseg_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
        from nightseg_ros.engines.onnxruntime_folder import provider_folder

        return OnnxRuntimeEngine(
            bundle,
            provider=provider,
            threads=options.threads,
            spinning=options.spinning,
            folder=provider_folder(
                bundle, provider, allow_build=options.allow_build, say=options.say
            ),
        )

    def why_not() -> str:
        try:
            from nightseg_ros.engines.onnxruntime_engine import why_no_provider
        except Exception as error:  # a broken installation fails in many ways
            return f"ONNX Runtime cannot be imported ({error}); pip install onnxruntime"
        return why_no_provider(provider)

    on_gpu = provider != CPU
    built = name == "onnxruntime-tensorrt"
    return Kind(name, create, why_not, gpu=on_gpu, built=built, unproven=on_gpu)


def _openvino(name: str, precision: str) -> Kind:
    def create(bundle: Bundle, options: Options) -> Engine:
        from nightseg_ros.engines.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(bundle, precision=precision, threads=options.threads)

    def why_not() -> str:
        from nightseg_ros.engines import openvino_engine

        return openvino_engine.why_not()

    return Kind(name, create, why_not, built=precision == "int8")


def _tensorrt() -> Kind:
    def create(bundle: Bundle, options: Options) -> Engine:
        from nightseg_ros.engines.tensorrt_engine import TensorRtEngine

        return TensorRtEngine(bundle, allow_build=options.allow_build, say=options.say)

    def why_not() -> str:
        from nightseg_ros.engines import tensorrt_engine

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
