# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime behind the engine protocol, on the GPU where it really gets one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.errors import NightsegError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
INPUT = "image"
CLASSES_KEY, PRECISION_KEY = "nightseg_classes", "nightseg_precision"
"""Optional metadata of the ONNX file: number of classes, and fp32 / fp16 / int8."""


class OnnxRuntimeEngine:
    """A bundle's network in one ONNX Runtime session."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        use_gpu: bool = True,
        require_gpu: bool = False,
        threads: int = 0,
        spinning: bool = True,
    ) -> None:
        self.input_size = (bundle.height, bundle.width)
        self._name = bundle.name
        self._outputs = list(bundle.outputs)
        self._session: Any = _create_session(
            bundle, use_gpu=use_gpu, threads=threads, spinning=spinning
        )
        _check_graph(self._session, bundle)
        provider, reason = _active_provider(self._session, use_gpu=use_gpu)
        if require_gpu and provider != CUDA:
            self.close()
            raise NightsegError(
                f"bundle {bundle.name}: a GPU is required, but ONNX Runtime runs on {provider} "
                f"({reason or 'the installed onnxruntime has no GPU support'}); "
                "install onnxruntime-gpu and its CUDA and cuDNN libraries, or do not require a GPU"
            )
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.info = EngineInfo(
            backend="onnxruntime",
            provider=provider,
            device="cuda:0" if provider == CUDA else "cpu",
            precision=metadata.get(PRECISION_KEY, "fp32"),
            fallback_reason=reason,
        )

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Run the network on one image."""
        if self._session is None:
            raise NightsegError(f"engine of bundle {self._name} is closed; create a new one")
        outputs = self._session.run(self._outputs, {INPUT: image[None]})
        return tuple(output[0] for output in outputs)

    def close(self) -> None:
        """Free the session and its threads."""
        self._session = None


def _create_session(bundle: Bundle, *, use_gpu: bool, threads: int, spinning: bool) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # the graph optimiser's warnings help no user
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    providers = [CPU]
    if use_gpu and CUDA in ort.get_available_providers():
        providers.insert(0, CUDA)
    try:
        # The bytes that were hashed, not the path: a file swapped in between cannot slip through,
        # and a graph cannot pull weights out of files that the hash does not cover.
        session = ort.InferenceSession(bundle.read_model(), options, providers=providers)
    except NightsegError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no narrower base
        raise NightsegError(
            f"bundle {bundle.name}: ONNX Runtime {ort.__version__} cannot load "
            f"{bundle.onnx_path} ({_first_line(error)}); export the bundle again"
        ) from error
    session.disable_fallback()  # else a failing GPU run would go on, silently, on the CPU
    return session


def _active_provider(session: Any, *, use_gpu: bool) -> tuple[str, str]:
    """Return the provider in use, and why it is not the GPU where the GPU was wanted.

    `get_available_providers` lists what was compiled in, even where it cannot be created.
    """
    provider = str(session.get_providers()[0])
    if not use_gpu or provider == CUDA:
        return provider, ""
    if CUDA in ort.get_available_providers():
        return provider, (
            f"{CUDA} is installed but could not be created: no GPU, or its driver, CUDA or cuDNN "
            "libraries are missing or of another version"
        )
    return provider, ""  # the CPU build: nobody who installed it expects a GPU


def _check_graph(session: Any, bundle: Bundle) -> None:
    """Refuse a graph whose input, outputs or class count are not what model.yaml says."""
    inputs = {node.name: (node.type, list(node.shape)) for node in session.get_inputs()}
    wanted = {INPUT: ("tensor(uint8)", [1, bundle.height, bundle.width, 3])}
    if inputs != wanted:
        raise NightsegError(
            f"bundle {bundle.name}: the network takes {inputs}, model.yaml promises {wanted}; "
            "export the bundle again"
        )
    missing = set(bundle.outputs) - {node.name for node in session.get_outputs()}
    if missing:
        names = ", ".join(node.name for node in session.get_outputs())
        raise NightsegError(
            f"bundle {bundle.name}: the network lacks output {', '.join(sorted(missing))} "
            f"(it has {names}); export the bundle again"
        )
    classes = session.get_modelmeta().custom_metadata_map.get(CLASSES_KEY)
    if classes is not None and bundle.labels is not None and classes != str(bundle.labels.count):
        raise NightsegError(
            f"bundle {bundle.name}: the network has {classes} classes, model.yaml names "
            f"{bundle.labels.count}; put the classes it was trained on in labels"
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
