# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a bench runs: one image through an engine of the node, or several through its library."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.engines.graph_check import INPUT, PRECISION_KEY
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.engine_bench.graph_file import IMAGES, random_inputs
from nightseg_ros.trials.engine_bench.networks import RANDOM

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Engine

TENSORRT = "tensorrt"
Facts = Mapping[str, Any]


def made_up_images(height: int, width: int, batch: int = 1) -> list[NDArray[np.uint8]]:
    """Return arrays (batch, H, W, 3) of smooth colours."""
    random = np.random.default_rng(0)

    def image() -> NDArray[np.uint8]:
        small = random.integers(0, 256, (9, 16, 3), np.uint8)
        return np.asarray(cv2.resize(small, (width, height)), np.uint8)

    return [np.stack([image() for _ in range(batch)]) for _ in range(IMAGES)]


class _Cycle:
    """Runs a function on each of several inputs in turn."""

    def __init__(self, run: Callable[[Any], Any], inputs: Iterable[Any], facts: Facts) -> None:
        self._run, self._inputs, self.facts = run, itertools.cycle(inputs), facts

    def step(self) -> None:
        """Run the network once."""
        self._run(next(self._inputs))

    def close(self) -> None:
        """Free the network."""
        del self._run


class EngineRunner(_Cycle):
    """One image through `Engine.run`, as the node does it."""

    def __init__(self, bundle: Bundle, engine: str, threads: int, ir: Path | None = None) -> None:
        self._engine = _engine(bundle, engine, threads, ir)
        images = [image[0] for image in made_up_images(bundle.height, bundle.width)]
        super().__init__(self._engine.run, images, dataclasses.asdict(self._engine.info))

    def close(self) -> None:
        """Free the engine."""
        self._engine.close()


def _engine(bundle: Bundle, engine: str, threads: int, ir: Path | None) -> Engine:
    """Return the engine as the node would have it, or with the int8 network in the file `ir`."""
    if engine == TENSORRT:
        made: Engine = tensorrt_for_speed(bundle, 1)
        return made
    if ir is None:
        return create_engine(bundle, engine, threads=threads, allow_build=True)
    from nightseg_ros.engines.openvino import INT8, OpenVinoEngine

    return OpenVinoEngine(bundle, precision=INT8, threads=threads, ir=ir)


def tensorrt_for_speed(bundle: Bundle, batch: int) -> Any:
    """Return a TensorRT engine, built where none is there, also one whose masks differ.

    Random weights leave hardly anything between the first class and the second, so an engine of
    such a network need not pass the parity check; how long it takes is what it takes.
    """
    from nightseg_ros.engines.cache.store import EngineCache
    from nightseg_ros.engines.tensorrt.engine import TensorRtEngine

    try:
        return TensorRtEngine(bundle, allow_build=True, batch=batch)
    except NightsegError:
        if not bundle.name.startswith(RANDOM):
            raise
        for entry in EngineCache().entries():
            engine = entry.engine
            if engine and (engine.key.sha256, engine.key.batch) == (bundle.sha256, batch):
                return TensorRtEngine(bundle, batch=batch, cached=engine)
        raise


OPENVINO = {"openvino": "fp32", "openvino-int8": "int8"}


class BatchRunner(_Cycle):
    """Several images at once: the node's engines take one, so the library is called directly."""

    def __init__(
        self, file: Path, bundle: Path, engine: str, threads: int, shape: tuple[int, ...]
    ) -> None:
        """Load the network in `file`, which is that of `bundle` for the batch of `shape`."""
        batch, height, width = shape
        if engine.startswith("onnxruntime"):
            run, facts = _onnxruntime(file, engine, threads)
        elif engine == TENSORRT:
            tensorrt = tensorrt_for_speed(Bundle.load(bundle), batch)
            run, facts = tensorrt.run_batch, dataclasses.asdict(tensorrt.info)
        elif engine in OPENVINO:
            run, facts = _openvino(file, (*shape, 3), threads, OPENVINO[engine])
        else:
            raise NightsegError(f"engine '{engine}' takes one image at a time")
        super().__init__(run, made_up_images(height, width, batch), facts)


class GraphRunner(_Cycle):
    """A graph of other origin, fed random values by the library itself."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        """Load the graph that `spec` names, for the shape that it names."""
        shape, file, threads = tuple(spec["shape"]), Path(spec["file"]), spec["threads"]
        engine, precision = spec["engine"], spec["precision"]
        if engine in OPENVINO:
            kind = "int8" if precision == "int8" else "fp32"
            run, facts = _openvino(file, shape, threads, kind)
        else:
            run, facts = _onnxruntime(file, engine, threads, spec["input"], spec["free"])
            facts["precision"] = precision
        super().__init__(run, random_inputs(spec["type"], shape), facts)


def _onnxruntime(
    path: Path, engine: str, threads: int, name: str = INPUT, free: Mapping[str, int] | None = None
) -> tuple[Any, dict[str, Any]]:
    """Return a session that copies in and out as ONNX Runtime does by itself.

    The `free` sides of its input are fixed at these numbers, as they are in model folders.
    """
    import onnxruntime as ort

    from nightseg_ros.engines.onnxruntime import providers

    provider = providers.PROVIDERS[engine]
    if reason := providers.why_not(ort, provider):
        raise NightsegError(reason)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    named: list[Any] = [provider]
    if provider != providers.CPU:
        providers.prepare(ort)
        values = providers.provider_options(provider, "fp32", cuda_graph=False, folder=None)
        named = providers.add_provider(ort, options, provider, values)
    for side, number in (free or {}).items():
        options.add_free_dimension_override_by_name(side, number)
    session = ort.InferenceSession(path, options, providers=named or None, enable_fallback=0)
    if session.get_providers()[0] != provider:
        raise NightsegError(f"{provider} is installed but could not be created")
    facts = {
        "backend": "onnxruntime",
        "provider": provider,
        "device": "cpu" if provider == providers.CPU else "cuda:0",
        "precision": session.get_modelmeta().custom_metadata_map.get(PRECISION_KEY, "fp32"),
    }
    return lambda images: session.run(None, {name: images}), facts


def _openvino(
    path: Path, shape: tuple[int, ...], threads: int, precision: str
) -> tuple[Any, dict[str, Any]]:
    import openvino

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = str(threads)
    model = openvino.Core().read_model(path)
    model.reshape(list(shape))
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    facts = {"backend": "openvino", "provider": "CPU", "device": "cpu", "precision": precision}
    return lambda images: request.infer({0: images}, share_inputs=True), facts
