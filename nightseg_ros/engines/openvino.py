# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO behind the engine protocol: the ONNX as it is, or its int8 version from the cache.

The precision of the computation is set explicitly: by default OpenVINO uses bfloat16 on processors
that have it.
"""

from __future__ import annotations

import platform
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.cache.built import built_engine
from nightseg_ros.engines.cache.store import EngineKey
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.engines.graph_check import CLASSES_KEY, PRECISION_KEY, check_graph
from nightseg_ros.errors import NightsegError, last_line

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

FP32, INT8 = "fp32", "int8"
IR_FILE = "model.xml"
BACKEND = "openvino"
INSTALL = "pip install '.[openvino]' in the folder of nightseg_ros, or pip install openvino"


def why_not() -> str:
    """Return "" where OpenVINO is installed, else the remedy; this does not load it."""
    return "" if find_spec("openvino") is not None else f"OpenVINO is not installed; {INSTALL}"


def version() -> str:
    """Return the version of OpenVINO, which takes a quarter of a second to load."""
    try:
        return metadata.version("openvino")
    except metadata.PackageNotFoundError:  # it was not installed by pip
        import openvino

        return str(openvino.__version__).partition("-")[0]


def cpu_name() -> str:
    """Return the processor's name and the features that select its int8 kernels."""
    wanted = {"avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
    name, flags = platform.processor() or platform.machine(), ""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return name
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features") and not flags:
            flags = " ".join(sorted(wanted & set(value.split())))
    return f"{name} {flags}".strip()


def int8_key(bundle: Bundle) -> EngineKey:
    """Return the cache key of the int8 version of `bundle` for this machine."""
    return EngineKey.of(
        bundle, backend=BACKEND, version=version(), device=cpu_name(), precision=INT8
    )


class OpenVinoEngine:
    """A bundle's network compiled by OpenVINO for this CPU, for one image at a time."""

    def __init__(
        self, bundle: Bundle, *, precision: str = FP32, threads: int = 0, ir: Path | None = None
    ) -> None:
        """Compile the ONNX of `bundle`, or its int8 version: that in `ir`, else the cached one."""
        if reason := why_not():
            raise NightsegError(f"bundle {bundle.name}: {reason}")
        self.input_size = (bundle.height, bundle.width)
        self._name = bundle.name
        if precision == INT8 and ir is None:
            ir = cached_int8(bundle)
        try:
            import openvino  # noqa: F401
        except Exception as error:  # a broken installation fails in many ways
            raise NightsegError(
                f"bundle {bundle.name}: OpenVINO cannot be loaded ({last_line(error)}); {INSTALL}"
            ) from error
        model = read_model(bundle, ir)
        if ir is None:
            precision = _metadata(model).get(PRECISION_KEY, FP32)
        self._request: Any = _compile(bundle, model, threads)
        self._image = np.zeros((1, bundle.height, bundle.width, 3), np.uint8)
        self._outputs = bind(self._request, self._image, bundle.outputs)
        self.info = EngineInfo(BACKEND, "CPU", "cpu", precision)

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Run the network on one image; the next run writes into the same arrays."""
        if self._request is None:
            raise NightsegError(f"engine of bundle {self._name} is closed; create a new one")
        self._image[0] = image
        self._request.infer()
        return self._outputs

    def close(self) -> None:
        """Free the network and its threads."""
        self._outputs = ()
        self._request = None


def cached_int8(bundle: Bundle) -> Path:
    """Return the file of the int8 version of `bundle`, or raise with the command that builds it."""
    return built_engine(int8_key(bundle), bundle.name).path / IR_FILE


def read_model(bundle: Bundle, ir: Path | None = None) -> Any:
    """Return the network, read from the bytes that were hashed or from its int8 version."""
    import openvino as ov

    try:
        if ir is not None:
            model = ov.Core().read_model(ir)
        else:
            model = ov.Core().read_model(bundle.read_model(), b"")
    except RuntimeError as error:
        raise NightsegError(
            f"bundle {bundle.name}: OpenVINO {version()} cannot read {ir or bundle.onnx_path} "
            f"({last_line(error)}); {'build it' if ir else 'export the bundle'} again"
        ) from error
    check_graph(
        bundle,
        {
            port.get_any_name(): [
                -1 if side.is_dynamic else side.get_length() for side in port.partial_shape
            ]
            for port in model.inputs
        },
        [port.get_any_name() for port in model.outputs],
        _metadata(model),
        " and ".join(port.get_element_type().to_dtype().name for port in model.inputs),
    )
    if model.is_dynamic():
        model.reshape([1, bundle.height, bundle.width, 3])
    return model


def _compile(bundle: Bundle, model: Any, threads: int) -> Any:
    """Return a request for one image at a time.

    Threads are not pinned to cores: those of cameras and other nodes are not either, and two that
    share a core would wait for each other while another core is idle.
    """
    import openvino as ov

    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        return ov.Core().compile_model(model, "CPU", options).create_infer_request()
    except RuntimeError as error:
        raise NightsegError(
            f"bundle {bundle.name}: OpenVINO {version()} cannot compile the network "
            f"({last_line(error)}); use engine onnxruntime"
        ) from error


def bind(request: Any, image: NDArray[np.uint8], outputs: tuple[str, ...]) -> Outputs:
    """Bind `image` as the input of the network, and return the arrays of its outputs."""
    import openvino as ov

    request.set_input_tensor(ov.Tensor(image, shared_memory=True))
    return tuple(request.get_tensor(name).data[0] for name in outputs)


def _metadata(model: Any) -> dict[str, str]:
    """Return our metadata in the ONNX file."""
    found = {}
    for key in (CLASSES_KEY, PRECISION_KEY):
        if model.has_rt_info(["framework", key]):
            found[key] = str(model.get_rt_info(["framework", key]).value)
    return found
