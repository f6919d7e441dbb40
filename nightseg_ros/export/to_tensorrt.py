# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A TensorRT engine of a model: built into the cache, and proven on the GPU where one is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.cache import CachedEngine, EngineCache
from nightseg_ros.engines.cuda_driver import Gpu
from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.onnx_metadata import read_metadata
from nightseg_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from nightseg_ros.engines.parity import FP16, FP32, INT8, Parity, check_parity, measure_parity
from nightseg_ros.engines.tensorrt_builder import TF32, WORKSPACE_MIB, default_precision
from nightseg_ros.engines.tensorrt_engine import (
    PROVEN_ON,
    TensorRtEngine,
    engine_key,
    plan_writer,
    timing_cache,
)
from nightseg_ros.engines.tensorrt_library import Library
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.convert import in_precision

Image = NDArray[np.uint8]
Write = Callable[[Path], Mapping[str, Any]]

HELD_TO = {TF32: FP16}
"""TF32 has the mantissa of fp16, so it is held to the same limits."""


@dataclass(frozen=True)
class Proof:
    """Frames on which an engine is compared with its ONNX, with masks of them where there are."""

    frames: Sequence[Image]
    truths: Sequence[Image] | None = None
    labels: str = "joint11"


@dataclass(frozen=True)
class Request:
    """Which engine is wanted; `gpu` is None for one that is to run elsewhere."""

    bundle: Bundle
    gpu: Gpu | None
    precision: str | None = None
    batch: int = 1
    workspace_mib: int = WORKSPACE_MIB
    force: bool = False
    calibration: Callable[[], Sequence[Image]] = tuple
    """Frames that tell the ranges of int8, where the ONNX file is in fp32."""


def build_tensorrt(
    library: Library,
    request: Request,
    proof: Callable[[], Proof],
    *,
    cache: EngineCache | None = None,
    say: Callable[[str], None] = lambda line: None,
    write: Callable[[str], Write] | None = None,
) -> CachedEngine:
    """Return the engine, from the cache or built; one that fails its proof is not kept.

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
        say(f"{bundle.name} in {precision} on {gpu.label}: {parity}")
        known = engine.facts.get(PROVEN_ON, {})
        return {"parity": parity.to_dict(), PROVEN_ON: {**known, gpu.label: parity.to_dict()}}

    engine = cache.build(key, build, say, force=request.force)
    if gpu is None or "frames" in _proof_on(engine, gpu):
        return engine
    try:
        facts = proven(engine)
    except NightsegError:
        cache.discard(engine)
        raise
    return cache.note(engine, facts)


def prove(bundle: Bundle, engine: CachedEngine, proof: Proof, cache: EngineCache) -> Parity:
    """Return how the masks of `engine` compare with those of the ONNX, or refuse them."""
    precision = engine.key.precision
    candidate = TensorRtEngine(bundle, batch=engine.key.batch, cached=engine, cache=cache)
    try:
        reference = OnnxRuntimeEngine(bundle)
        try:
            parity = measure_parity(
                reference, candidate, proof.frames, proof.truths, labels=proof.labels
            )
        finally:
            reference.close()
    finally:
        candidate.close()
    check_parity(parity, HELD_TO.get(precision, precision), f"the TensorRT engine of {bundle.name}")
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
            f"bundle {request.bundle.name}: int8 needs driving images that tell its ranges; give "
            "them with --calibrate FOLDER"
        )
    # TensorRT knows signed int8 around zero only.
    return in_precision(onnx, precision, calibration, symmetric=True)


def _proof_on(engine: CachedEngine, gpu: Gpu) -> Mapping[str, Any]:
    """Return the figures of the proof on this GPU; a quick look at one image has none."""
    known = engine.facts.get(PROVEN_ON, {}).get(gpu.label, {})
    return known if isinstance(known, dict) else {}
