# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds a TensorRT engine into the cache, and verifies it on the GPU if there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.onnx_file import read_metadata
from nightseg_ros.engines.cache.store import CachedEngine, EngineCache
from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
from nightseg_ros.engines.parity import FP16, FP32, INT8, Parity, check_parity, measure_parity
from nightseg_ros.engines.tensorrt.builder import TF32, WORKSPACE_MIB, default_precision
from nightseg_ros.engines.tensorrt.cuda_driver import Gpu
from nightseg_ros.engines.tensorrt.engine import (
    PROVEN_ON,
    TensorRtEngine,
    engine_key,
    plan_writer,
    timing_cache,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19

if TYPE_CHECKING:
    from nightseg_ros.engines.tensorrt.library import Library

Image = NDArray[np.uint8]
Write = Callable[[Path], Mapping[str, Any]]

LIMITS_OF = {TF32: FP16}
"""TF32 has the mantissa of fp16, so it has the same limits."""


@dataclass(frozen=True)
class Proof:
    """Frames for the comparison of an engine with its ONNX, with masks if available."""

    frames: Sequence[Image]
    truths: Sequence[Image] | None = None


@dataclass(frozen=True)
class Request:
    """The requested engine; `gpu` is None for one that will run elsewhere."""

    bundle: Bundle
    gpu: Gpu | None
    precision: str | None = None
    batch: int = 1
    workspace_mib: int = WORKSPACE_MIB
    force: bool = False
    calibration: Callable[[], Sequence[Image]] = tuple
    """Frames for the ranges of int8, where the ONNX file is in fp32."""


def build_tensorrt(
    library: Library,
    request: Request,
    proof: Callable[[], Proof],
    *,
    cache: EngineCache | None = None,
    log: Callable[[str], None] = lambda _: None,
    write: Callable[[str], Write] | None = None,
) -> CachedEngine:
    """Return the engine, from the cache or built; one that fails the comparison is not kept.

    `write` makes the writer for a precision where the engine does not come from the ONNX file.
    """
    bundle, gpu, cache = request.bundle, request.gpu, cache or EngineCache()
    precision = request.precision or default_precision(bundle.read_model(), gpu)
    key = engine_key(bundle, library, gpu, precision, request.batch)

    def build(folder: Path) -> Mapping[str, Any]:
        writer = (
            write(precision)
            if write is not None
            else plan_writer(
                bundle,
                library,
                gpu,
                key,
                onnx=onnx_in(request, precision),
                workspace_mib=request.workspace_mib,
                timing_cache=timing_cache(cache, key),
            )
        )
        facts = dict(writer(folder))
        return facts | proven(CachedEngine(folder, key, facts))

    def proven(engine: CachedEngine) -> dict[str, Any]:
        if gpu is None:
            return {}
        parity = prove(bundle, engine, proof(), cache)
        log(f"{bundle.name} in {precision} on {gpu.label}: {parity}")
        known = engine.facts.get(PROVEN_ON, {})
        return {"parity": parity.to_dict(), PROVEN_ON: {**known, gpu.label: parity.to_dict()}}

    engine = cache.build(key, build, log, force=request.force)
    if gpu is None or "frames" in _proof_on(engine, gpu):
        return engine
    try:
        facts = proven(engine)
    except NightsegError:
        cache.discard(engine)
        raise
    return cache.note(engine, facts)


def prove(bundle: Bundle, engine: CachedEngine, proof: Proof, cache: EngineCache) -> Parity:
    """Return the parity of `engine` with the ONNX, or refuse it."""
    precision = engine.key.precision
    built = TensorRtEngine(bundle, batch=engine.key.batch, cached=engine, cache=cache)
    labels = bundle.labels or CITYSCAPES19
    with closing(built) as candidate, closing(OnnxRuntimeEngine(bundle)) as reference:
        parity = measure_parity(reference, candidate, proof.frames, proof.truths, labels=labels)
    check_parity(
        parity, LIMITS_OF.get(precision, precision), f"the TensorRT engine of {bundle.name}"
    )
    return parity


def onnx_in(request: Request, precision: str) -> bytes:
    """Return the ONNX file of the model in a precision, converted where it is in fp32."""
    onnx = request.bundle.read_model()
    written = read_metadata(onnx).get(PRECISION_KEY, FP32)
    if written != FP32 or precision not in (FP16, INT8):
        return onnx
    calibration = request.calibration() if precision == INT8 else ()
    if precision == INT8 and not calibration:
        raise NightsegError(
            f"bundle {request.bundle.name}: int8 needs driving images for its ranges; give "
            "them with --calibrate FOLDER"
        )
    from nightseg_ros.export.convert import in_precision  # it needs the package onnx

    # TensorRT supports only signed, symmetric int8.
    return in_precision(onnx, precision, calibration, symmetric=True)


def _proof_on(engine: CachedEngine, gpu: Gpu) -> Mapping[str, Any]:
    """Return the parity on this GPU; empty after a quick check of one image."""
    known = engine.facts.get(PROVEN_ON, {}).get(gpu.label, {})
    return known if isinstance(known, dict) else {}
