# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the providers of ONNX Runtime find what they built before: TensorRT its engine, built once.

TensorRT-RTX keeps compiled kernels only, and makes them anew in seconds, so those are no entry of
the engine cache: they lie beside the entries.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime as ort

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.built import built_engine
from nightseg_ros.engines.cache import EngineCache, EngineKey, cache_dir
from nightseg_ros.engines.cuda_driver import find_gpu
from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.onnx_metadata import read_metadata
from nightseg_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from nightseg_ros.engines.onnxruntime_providers import RTX, TENSORRT
from nightseg_ros.engines.quick_check import check_quickly

BACKEND = "onnxruntime-tensorrt"
KERNELS = "onnxruntime-nvrtx"


def provider_folder(
    bundle: Bundle, provider: str, *, allow_build: bool, say: Callable[[str], None]
) -> Path | None:
    """Return the folder that `provider` is to be given, after building into it where needed."""
    if provider == RTX:
        return _kernels()
    if provider != TENSORRT:
        return None
    key = tensorrt_key(bundle)
    if allow_build:
        return build_tensorrt(bundle, say=say)
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
    bundle: Bundle, *, say: Callable[[str], None] = lambda line: None, force: bool = False
) -> Path:
    """Let ONNX Runtime build its TensorRT engine, unless it is there, and return its folder."""

    def build(target: Path) -> dict[str, Any]:
        engine = OnnxRuntimeEngine(bundle, provider=TENSORRT, folder=target)
        try:
            return {"quick_check": check_quickly(engine, bundle).to_dict()}
        finally:
            engine.close()

    return EngineCache().build(tensorrt_key(bundle), build, say, force=force).path


def _kernels() -> Path | None:
    folder = cache_dir() / KERNELS
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only disk: they are made anew each time
        return None
    return folder
