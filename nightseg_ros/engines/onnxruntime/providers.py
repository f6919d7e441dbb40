# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The execution providers of ONNX Runtime: names, options, and why one is unavailable.

The caller passes the module `onnxruntime`, so that tests can pass a fake and check the GPU
providers on machines without a GPU.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT, RTX = "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider"
RTX_PLUGIN = "onnxruntime_ep_nv_tensorrt_rtx"

PROVIDERS = {
    "onnxruntime-tensorrt": TENSORRT,
    "onnxruntime-nvrtx": RTX,
    "onnxruntime-cuda": CUDA,
    "onnxruntime-cpu": CPU,
}
"""Name of an engine -> its provider; the fastest first."""

REMEDIES = {
    TENSORRT: "install onnxruntime-gpu and the TensorRT 10 libraries (libnvinfer)",
    RTX: "pip install onnxruntime-ep-nv-tensorrt-rtx",
    CUDA: "pip uninstall onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]'",
    CPU: "pip install onnxruntime",
}
DEVICE = 0


def why_not(ort: Any, provider: str) -> str:
    """Return "" where this build of ONNX Runtime has `provider`, else the reason and the remedy.

    A provider that is compiled in may still fail to start: only a session shows that.
    """
    if provider in ort.get_available_providers() or (provider == RTX and _has_rtx_plugin(ort)):
        return ""
    return f"ONNX Runtime {ort.__version__} has no {provider}; {REMEDIES[provider]}"


def provider_options(
    provider: str, precision: str, *, cuda_graph: bool, folder: Path | None
) -> dict[str, str]:
    """Return the options of a GPU provider for an ONNX file of this precision.

    The precision is that of the file: the providers never lower it. TensorRT needs a flag for
    16-bit floats or integers in the graph, since its provider builds weakly typed networks;
    TensorRT-RTX is always strongly typed. `folder` is where TensorRT stores its engine, and
    TensorRT-RTX its compiled kernels.
    """
    graph = str(int(cuda_graph))
    if provider == CUDA:
        return {"device_id": str(DEVICE), "enable_cuda_graph": graph}
    if provider == RTX:
        cached = {} if folder is None else {"nv_runtime_cache_path": str(folder)}
        return {"enable_cuda_graph": graph, **cached}
    options = {
        "device_id": str(DEVICE),
        "trt_cuda_graph_enable": graph,
        "trt_fp16_enable": str(int(precision == "fp16")),
        "trt_int8_enable": str(int(precision == "int8")),
        # Sums over many pixels overflow 16 bits; therefore the translator stays in 32 bits.
        "trt_layer_norm_fp32_fallback": str(int(precision == "fp16")),
    }
    if folder is not None:
        options |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(folder)}
    return options


def prepare(ort: Any) -> None:
    """Load CUDA and cuDNN from Python packages, where this ONNX Runtime supports it."""
    preload = getattr(ort, "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(sys.stderr):  # it prints, and stdout may hold JSON
            preload()


def add_provider(ort: Any, options: Any, provider: str, values: dict[str, str]) -> list[Any]:
    """Return the `providers` argument of a session; a plug-in enters the options instead.

    The CPU is not listed: a session that must not use the CPU must not list it.
    """
    if provider == RTX and RTX not in ort.get_available_providers():
        plugin = importlib.import_module(RTX_PLUGIN)  # it loads 300 MB of libraries
        name = plugin.get_ep_name()
        problem = "it finds no GPU that it supports"
        try:
            ort.register_execution_provider_library(name, plugin.get_library_path())
        except Exception as error:  # also if an earlier engine has registered it
            problem = str(error)
        devices = [device for device in ort.get_ep_devices() if device.ep_name == name]
        if not devices:
            raise RuntimeError(problem)
        options.add_provider_for_devices(devices[:1], values)
        return []
    more: list[Any] = [(CUDA, {"device_id": str(DEVICE)})] if provider == TENSORRT else []
    return [(provider, values), *more]


def _has_rtx_plugin(ort: Any) -> bool:
    """Return whether the TensorRT-RTX plug-in is installed and supported."""
    pluggable = hasattr(ort, "register_execution_provider_library")
    return pluggable and importlib.util.find_spec(RTX_PLUGIN) is not None
