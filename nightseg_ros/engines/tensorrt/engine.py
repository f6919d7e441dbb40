# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT behind the engine protocol: the fastest engine of a bundle built for this GPU.

An engine that `nightseg build-engine` has verified on this GPU runs immediately. One that was built
elsewhere, or on demand, is compared with the ONNX on the CPU at its first use, once per GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.cache.built import built_engine
from nightseg_ros.engines.cache.store import CachedEngine, EngineCache, EngineKey
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.engines.quick_check import check_quickly
from nightseg_ros.engines.tensorrt.builder import (
    PRECISIONS,
    WORKSPACE_MIB,
    build_plan,
    default_precision,
)
from nightseg_ros.engines.tensorrt.cuda_driver import Gpu, find_gpu
from nightseg_ros.engines.tensorrt.library import NAMES, Library, load_library
from nightseg_ros.engines.tensorrt.runner import TensorRtRunner
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

PLAN = "engine.plan"
"""The file of an engine in the cache."""

PROVEN_ON = "proven_on"
"""Fact of a built engine: label of a GPU -> its comparison with the ONNX there."""

Log = Callable[[str], None]


def why_not() -> str:
    """Return "" where TensorRT and a GPU for it are available, else the reason."""
    try:
        find_gpu()  # first: the libraries of TensorRT are large
        load_library()
    except NightsegError as error:
        return str(error)
    return ""


def engine_key(
    bundle: Bundle, library: Library, gpu: Gpu | None, precision: str, batch: int = 1
) -> EngineKey:
    """Return the key of an engine built here; without a GPU only TensorRT-RTX can build one."""
    return EngineKey.of(
        bundle,
        backend=library.kind,
        version=library.version,
        device=library.target(gpu),
        precision=precision,
        batch=batch,
    )


def plan_writer(
    bundle: Bundle,
    library: Library,
    gpu: Gpu | None,
    key: EngineKey,
    *,
    onnx: bytes | None = None,
    workspace_mib: int = WORKSPACE_MIB,
    timing_cache: Path | None = None,
) -> Callable[[Path], Mapping[str, Any]]:
    """Return a function that builds the engine of `key` into a folder and returns facts."""

    def write(folder: Path) -> Mapping[str, Any]:
        plan, facts = build_plan(
            library,
            bundle,
            bundle.read_model() if onnx is None else onnx,
            key.precision,
            gpu=gpu,
            batch=key.batch,
            workspace_mib=workspace_mib,
            timing_cache=timing_cache,
        )
        (folder / PLAN).write_bytes(plan)
        return facts

    return write


def timing_cache(cache: EngineCache, key: EngineKey) -> Path:
    """Return the file of TensorRT's timings from earlier builds, for one GPU."""
    name = "".join(c if c.isalnum() else "-" for c in f"{key.backend}-{key.version}-{key.device}")
    return cache.root / f"timings-{name}.cache"


class TensorRtEngine:
    """A bundle's network as TensorRT built it; `run` takes one image, `run_batch` several."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        allow_build: bool = False,
        log: Log = lambda _: None,
        batch: int = 1,
        cached: CachedEngine | None = None,
        cache: EngineCache | None = None,
    ) -> None:
        """Load the engine from the cache, or with `allow_build` build it first.

        `cached` is an engine to use without a check; for the code that checks engines.
        """
        try:
            gpu, library = find_gpu(), load_library()
        except NightsegError as error:
            raise NightsegError(f"bundle {bundle.name}: {error}") from error
        self.input_size = (bundle.height, bundle.width)
        self._name, self._batch = bundle.name, batch
        cache = cache or EngineCache()
        found = cached or _find(bundle, library, gpu, batch, cache, allow_build, log)
        self._runner: TensorRtRunner | None = TensorRtRunner(
            library,
            (found.path / PLAN).read_bytes(),
            bundle,
            gpu,
            batch=batch,
            kernels=found.path.parent,
        )
        self.info = EngineInfo(
            backend=library.kind,
            provider=f"{NAMES[library.kind]} {library.version}",
            device=f"cuda:{gpu.index} {gpu.label}",
            precision=found.key.precision,
            fallback_reason=self._runner.graph_problem,
        )
        if cached is None and batch == 1 and gpu.label not in found.facts.get(PROVEN_ON, {}):
            self._prove(bundle, found, cache, gpu, log)

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Run the network on one image."""
        images = np.broadcast_to(image, (self._batch, *image.shape))
        return tuple(output[0] for output in self.run_batch(images))

    def run_batch(self, images: NDArray[np.uint8]) -> Outputs:
        """Run the network on (batch, H, W, 3); the outputs have the batch in front too."""
        if self._runner is None:
            raise NightsegError(f"engine of bundle {self._name} is closed; create a new one")
        return self._runner.run(images)

    def close(self) -> None:
        """Free the engine and its memory on the GPU."""
        if self._runner is not None:
            self._runner.close()
        self._runner = None

    def _prove(
        self, bundle: Bundle, found: CachedEngine, cache: EngineCache, gpu: Gpu, log: Log
    ) -> None:
        """Refuse an engine with wrong masks on this GPU; else record the comparison."""
        log(f"{bundle.name}: its engine runs on {gpu.label} for the first time; checking its masks")
        try:
            parity = check_quickly(self, bundle)
        except BaseException:
            self.close()
            raise
        quick = {"quick_check": parity.to_dict()}
        proven = {**found.facts.get(PROVEN_ON, {}), gpu.label: quick}
        try:
            cache.note(found, {PROVEN_ON: proven})
        except NightsegError as error:
            log(f"{error}; the check will be repeated at the next start")


def _find(
    bundle: Bundle,
    library: Library,
    gpu: Gpu,
    batch: int,
    cache: EngineCache,
    allow_build: bool,
    log: Log,
) -> CachedEngine:
    """Return the built engine of the lowest precision, else build the default one."""
    for precision in PRECISIONS:
        found = cache.find(engine_key(bundle, library, gpu, precision, batch))
        if found is not None:
            return found
    onnx = bundle.read_model()
    key = engine_key(bundle, library, gpu, default_precision(onnx, gpu), batch)
    if not allow_build:
        return built_engine(key, bundle.name, cache)
    writer = plan_writer(
        bundle, library, gpu, key, onnx=onnx, timing_cache=timing_cache(cache, key)
    )
    return cache.build(key, writer, log)
