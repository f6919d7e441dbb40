# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime behind the engine protocol: on the requested provider, or an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnxruntime as ort

from nightseg_ros.bundles.onnx_file import read_metadata
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.engines.graph_check import BATCH, CLASSES_KEY, INPUT, PRECISION_KEY, check_graph
from nightseg_ros.engines.onnxruntime.gpu import open_on_gpu
from nightseg_ros.engines.onnxruntime.providers import CPU, prepare, why_not
from nightseg_ros.engines.tensorrt.builder import default_precision
from nightseg_ros.engines.tensorrt.cuda_driver import find_gpu, why_no_gpu
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nightseg_ros.bundles.bundle import Bundle

__all__ = ["CLASSES_KEY", "PRECISION_KEY", "OnnxRuntimeEngine", "why_no_provider"]


class OnnxRuntimeEngine:
    """A bundle's network in one ONNX Runtime session.

    `folder` is where the providers of a GPU store what they build. On the CPU the outputs are
    those that the session returns: binding buffers in advance saves two microseconds (measured).
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        provider: str = CPU,
        threads: int = 0,
        spinning: bool = True,
        folder: Path | None = None,
    ) -> None:
        self.input_size = (bundle.height, bundle.width)
        self._name = bundle.name
        if reason := why_no_provider(provider):
            raise NightsegError(f"bundle {bundle.name}: {reason}")
        # The hashed bytes, not the path: so a file that is replaced meanwhile has no effect, and
        # the graph cannot read weights from files that the hash does not cover.
        data = bundle.read_model()
        session = _cpu_session(bundle, data, threads, spinning, optimise=provider == CPU)
        _check(session, bundle)
        precision = read_metadata(data).get(PRECISION_KEY, "fp32")
        self._run: Callable[[NDArray[np.uint8]], Outputs] | None = _on_cpu(session, bundle)
        note = ""
        if provider != CPU:
            prepare(ort)
            new = _options  # a session modifies its options
            self._run, note = open_on_gpu(ort, bundle, data, provider, precision, folder, new)
            precision = default_precision(data, find_gpu())  # with TF32 where the GPU supports it
        self.info = EngineInfo(
            backend="onnxruntime",
            provider=provider,
            device="cpu" if provider == CPU else "cuda:0",
            precision=precision,
            fallback_reason=note,
        )

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Run the network on one image."""
        if self._run is None:
            raise NightsegError(f"engine of bundle {self._name} is closed; create a new one")
        return self._run(image)

    def close(self) -> None:
        """Free the session and its threads."""
        self._run = None


def why_no_provider(provider: str) -> str:
    """Return "" where `provider` may run here, else the reason and the remedy."""
    return why_not(ort, provider) or ("" if provider == CPU else why_no_gpu())


def _on_cpu(session: Any, bundle: Bundle) -> Callable[[NDArray[np.uint8]], Outputs]:
    outputs = list(bundle.outputs)

    def run(image: NDArray[np.uint8]) -> Outputs:
        return tuple(output[0] for output in session.run(outputs, {INPUT: image[None]}))

    return run


def _options() -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 3  # the graph optimiser's warnings help no user
    options.add_free_dimension_override_by_name(BATCH, 1)
    return options


def _cpu_session(
    bundle: Bundle, data: bytes, threads: int, spinning: bool, *, optimise: bool
) -> Any:
    """Return a session on the CPU; without `optimise` only to inspect the network."""
    options = _options()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(data, options, providers=[CPU])
    except Exception as error:  # ONNX Runtime's exceptions share no narrower base
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise NightsegError(
            f"bundle {bundle.name}: ONNX Runtime {ort.__version__} cannot load "
            f"{bundle.onnx_path} ({reason}); export the bundle again"
        ) from error


def _check(session: Any, bundle: Bundle) -> None:
    inputs = session.get_inputs()
    check_graph(
        bundle,
        {node.name: node.shape for node in inputs},
        [node.name for node in session.get_outputs()],
        session.get_modelmeta().custom_metadata_map,
        " and ".join(node.type.removeprefix("tensor(").removesuffix(")") for node in inputs),
    )
