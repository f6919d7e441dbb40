# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A session of ONNX Runtime that provably runs on the GPU.

ONNX Runtime falls back to the CPU where a provider cannot be created or lacks an operator, and at
most logs it. So the first attempt forbids the CPU; only if that fails a session may use the CPU,
and reports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.engine import Outputs, output_shape
from nightseg_ros.engines.graph_check import INPUT
from nightseg_ros.engines.onnxruntime.providers import DEVICE, add_provider, provider_options
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

NO_CPU = "session.disable_cpu_ep_fallback"
ON_DEVICE = "cuda"

_PLACE = re.compile(r"^/\S+:\d+ .*\) (?=[A-Z\[])")

Run = Callable[[NDArray[np.uint8]], Outputs]


def open_on_gpu(
    ort: Any,
    bundle: Bundle,
    data: bytes,
    provider: str,
    precision: str,
    folder: Path | None,
    new_options: Callable[[], Any],
) -> tuple[Run, str]:
    """Return a function that runs an image on the GPU, and a note where it is not optimal.

    The first attempt uses buffers that stay on the GPU and runs the network as one CUDA graph: it
    neither allocates memory nor launches kernels one by one. The second attempt does without.
    """
    try:
        run = _open(ort, bundle, data, provider, precision, folder, new_options(), strict=True)
    except Exception as error:  # the providers share no narrower base
        first = _first_line(error)
    else:
        return run, ""
    try:
        run = _open(ort, bundle, data, provider, precision, folder, new_options(), strict=False)
    except Exception as error:
        raise NightsegError(
            f"bundle {bundle.name}: ONNX Runtime {ort.__version__} cannot run on {provider} "
            f"({_first_line(error)}); `nightseg doctor` shows what is missing"
        ) from error
    return run, f"{provider} runs without CUDA graph and perhaps partly on the CPU ({first})"


def _open(
    ort: Any,
    bundle: Bundle,
    data: bytes,
    provider: str,
    precision: str,
    folder: Path | None,
    options: Any,
    *,
    strict: bool,
) -> Run:
    if strict:
        options.add_session_config_entry(NO_CPU, "1")
    values = provider_options(provider, precision, cuda_graph=strict, folder=folder)
    providers = add_provider(ort, options, provider, values)
    # Without enable_fallback=0 it prints to stdout and tries the CPU when the provider fails.
    session = ort.InferenceSession(data, options, providers=providers or None, enable_fallback=0)
    if session.get_providers()[0] != provider:
        raise RuntimeError(
            f"it runs on {session.get_providers()[0]}: the GPU's driver, CUDA or cuDNN libraries "
            "are missing or of another version"
        )
    run: Run = _BoundRun(ort, session, bundle) if strict else _PlainRun(session, bundle)
    image = np.zeros((bundle.height, bundle.width, 3), np.uint8)
    for _ in range(2):  # the first run allocates, the second one records the CUDA graph
        run(image)
    return run


class _PlainRun:
    """Lets ONNX Runtime copy the input and the outputs."""

    def __init__(self, session: Any, bundle: Bundle) -> None:
        session.disable_fallback()  # else a failing GPU run would silently continue on the CPU
        self._session, self._outputs = session, list(bundle.outputs)

    def __call__(self, image: NDArray[np.uint8]) -> Outputs:
        outputs = self._session.run(self._outputs, {INPUT: image[None]})
        return tuple(output[0] for output in outputs)


class _BoundRun:
    """Keeps input and outputs in the same memory of the GPU, as a CUDA graph requires."""

    def __init__(self, ort: Any, session: Any, bundle: Bundle) -> None:
        session.disable_fallback()

        def on_device(*shape: int) -> Any:
            return ort.OrtValue.ortvalue_from_shape_and_type(
                list(shape), np.uint8, ON_DEVICE, DEVICE
            )

        self._session = session
        self._binding = session.io_binding()
        self._input = on_device(1, bundle.height, bundle.width, 3)
        self._binding.bind_ortvalue_input(INPUT, self._input)
        self._outputs = [on_device(1, *output_shape(bundle)) for _ in bundle.outputs]
        for name, value in zip(bundle.outputs, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(name, value)

    def __call__(self, image: NDArray[np.uint8]) -> Outputs:
        self._input.update_inplace(image[None])
        self._session.run_with_iobinding(self._binding)
        return tuple(output.numpy()[0] for output in self._outputs)


def _first_line(error: Exception) -> str:
    """Return the message of an exception, without the source location in ONNX Runtime."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return _PLACE.sub("", line)[:200]
