# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The folders in which ONNX Runtime's providers store what they build.

TensorRT stores an engine, an entry of the engine cache. TensorRT-RTX stores only compiled kernels,
which it rebuilds in seconds, so they are not an entry but a folder next to the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from nightseg_ros.bundles.onnx_file import read_metadata
from nightseg_ros.engines.cache.built import built_engine
from nightseg_ros.engines.cache.store import EngineCache, EngineKey, cache_dir
from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
from nightseg_ros.engines.onnxruntime.providers import RTX, TENSORRT
from nightseg_ros.engines.quick_check import check_quickly
from nightseg_ros.engines.tensorrt.cuda_driver import find_gpu

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

BACKEND = "onnxruntime-tensorrt"
KERNELS = "onnxruntime-nvrtx"


def provider_folder(
    bundle: Bundle, provider: str, *, allow_build: bool, log: Callable[[str], None]
) -> Path | None:
    """Return the folder for `provider`, after building into it where needed."""
    if provider == RTX:
        return _kernels()
    if provider != TENSORRT:
        return None
    key = tensorrt_key(bundle)
    if allow_build:
        return build_tensorrt(bundle, log=log)
    return built_engine(key, bundle.name).path


def tensorrt_key(bundle: Bundle) -> EngineKey:
    """Return the key of the engine that this ONNX Runtime builds on this GPU."""
    precision = read_metadata(bundle.read_model()).get(PRECISION_KEY, "fp32")
    return EngineKey.of(
        bundle,
        backend=BACKEND,
        version=str(ort.__version__),
        device=find_gpu().label,
        precision=precision,
    )


def build_tensorrt(
    bundle: Bundle, *, log: Callable[[str], None] = lambda _: None, force: bool = False
) -> Path:
    """Let ONNX Runtime build its TensorRT engine, unless it exists, and return its folder."""

    def build(target: Path) -> dict[str, Any]:
        engine = OnnxRuntimeEngine(bundle, provider=TENSORRT, folder=target)
        try:
            return {"quick_check": check_quickly(engine, bundle).to_dict()}
        finally:
            engine.close()

    return EngineCache().build(tensorrt_key(bundle), build, log, force=force).path


def _kernels() -> Path | None:
    folder = cache_dir() / KERNELS
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only disk: they are rebuilt each time
        return None
    return folder
