# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The few CUDA functions that an engine needs, directly from the driver's library.

libcuda comes with every driver, on Jetson too, and its functions are stable between versions. So an
engine needs no CUDA toolkit, no Python package and no matching versions.
"""

from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.gpu import NO_GPU
from nightseg_ros.errors import NightsegError

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
    "cuDeviceGetCount": (POINTER(c_int),),
    "cuDeviceGet": (POINTER(c_int), c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (POINTER(c_int), c_int, c_int),
    "cuDeviceTotalMem_v2": (POINTER(c_size_t), c_int),
    "cuDevicePrimaryCtxRetain": (POINTER(c_void_p), c_int),
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxSetCurrent": (c_void_p,),
    "cuMemAlloc_v2": (POINTER(c_uint64), c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamDestroy_v2": (c_void_p,),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, POINTER(c_void_p)),
    "cuGraphInstantiateWithFlags": (POINTER(c_void_p), c_void_p, c_uint64),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
}
MAJOR, MINOR = 75, 76
"""Attributes of a device: the two parts of its compute capability."""
OUT_OF_MEMORY, NO_DEVICE = 2, 100
NON_BLOCKING, THREAD_LOCAL = 1, 1


@dataclass(frozen=True)
class Gpu:
    """The properties of a GPU that decide which engine it can run."""

    index: int
    name: str
    capability: tuple[int, int]
    memory: int

    @property
    def label(self) -> str:
        """Name and compute capability, as in the key of an engine.

        >>> Gpu(0, "NVIDIA L4", (8, 9), 24 << 30).label
        'NVIDIA L4 sm89'
        """
        return f"{self.name} sm{self.capability[0]}{self.capability[1]}"


@functools.cache
def load_driver() -> Any:
    """Return the driver's library with typed functions; NightsegError where it cannot."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        for name, types in FUNCTIONS.items():
            getattr(driver, name).argtypes = types
    except OSError as error:
        raise NightsegError(f"{NO_GPU}, or its driver is not installed ({error})") from error
    except AttributeError as error:
        raise NightsegError(
            f"the NVIDIA driver is older than CUDA 11.4 ({error}); install a newer driver"
        ) from error
    return driver


def why_no_gpu() -> str:
    """Return "" where a GPU can be used, else the reason."""
    try:
        find_gpu()
    except NightsegError as error:
        return str(error)
    return ""


def find_gpu(index: int = 0) -> Gpu:
    """Return the properties of GPU `index`, which depends on CUDA_VISIBLE_DEVICES."""
    driver = load_driver()
    _check(driver, "cuInit", 0)
    count, device, memory = c_int(), c_int(), c_size_t()
    _check(driver, "cuDeviceGetCount", byref(count))
    if index >= count.value:
        raise NightsegError(
            f"{NO_GPU} that CUDA allows this process to use ({count.value} in total)"
        )
    _check(driver, "cuDeviceGet", byref(device), index)
    name = ctypes.create_string_buffer(256)
    _check(driver, "cuDeviceGetName", name, len(name), device.value)
    _check(driver, "cuDeviceTotalMem_v2", byref(memory), device.value)
    capability = []
    for attribute in (MAJOR, MINOR):
        value = c_int()
        _check(driver, "cuDeviceGetAttribute", byref(value), attribute, device.value)
        capability.append(value.value)
    text = name.value.decode(errors="replace")
    return Gpu(index, text, (capability[0], capability[1]), int(memory.value))


class Buffer:
    """The same bytes in page-locked host memory and on the GPU."""

    def __init__(self, cuda: Cuda, shape: tuple[int, ...]) -> None:
        self._cuda, self.bytes = cuda, int(np.prod(shape))
        device, host = c_uint64(), c_void_p()
        cuda.call("cuMemHostAlloc", byref(host), self.bytes, 0)
        self._address = host.value or 0
        try:
            cuda.call("cuMemAlloc_v2", byref(device), self.bytes)
        except BaseException:
            cuda.call("cuMemFreeHost", self._address)
            raise
        self.device = device.value
        memory = (ctypes.c_uint8 * self.bytes).from_address(self._address)
        self.host: NDArray[np.uint8] = np.frombuffer(memoryview(memory), np.uint8).reshape(shape)

    def upload(self, stream: int) -> None:
        """Copy from the host to the GPU, in the order of `stream`."""
        self._cuda.call("cuMemcpyHtoDAsync_v2", self.device, self._address, self.bytes, stream)

    def download(self, stream: int) -> None:
        """Copy from the GPU to the host, in the order of `stream`."""
        self._cuda.call("cuMemcpyDtoHAsync_v2", self._address, self.device, self.bytes, stream)

    def free(self) -> None:
        """Free both; `host` must not be accessed afterwards."""
        self._cuda.call("cuMemFree_v2", self.device)
        self._cuda.call("cuMemFreeHost", self._address)


class Cuda:
    """One GPU in one thread: the thread that creates this object must also use it."""

    def __init__(self, gpu: Gpu) -> None:
        self._driver = load_driver()
        self._device = c_int()
        self.call("cuDeviceGet", byref(self._device), gpu.index)
        context = c_void_p()
        # The context that the CUDA runtime, and so TensorRT, uses too.
        self.call("cuDevicePrimaryCtxRetain", byref(context), self._device.value)
        try:
            self.call("cuCtxSetCurrent", context)
        except BaseException:
            self.close()
            raise

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver; NightsegError where it fails."""
        _check(self._driver, name, *arguments)

    def stream(self) -> int:
        """Return a new stream."""
        stream = c_void_p()
        self.call("cuStreamCreate", byref(stream), NON_BLOCKING)
        return int(stream.value or 0)

    def close(self) -> None:
        """Release the GPU."""
        self.call("cuDevicePrimaryCtxRelease_v2", self._device.value)


def _check(driver: Any, name: str, *arguments: Any) -> None:
    status = getattr(driver, name)(*arguments)
    if status == 0:
        return
    text = c_char_p()
    driver.cuGetErrorString(status, byref(text))
    reason = f"CUDA error {status} in {name}: {(text.value or b'unknown').decode()}"
    if status == OUT_OF_MEMORY:
        raise NightsegError(
            f"out of GPU memory ({reason}); end other programs that use the GPU, or "
            "load fewer or smaller models"
        )
    if status == NO_DEVICE:
        raise NightsegError(f"{NO_GPU} ({reason})")
    raise NightsegError(
        f"the GPU cannot be used ({reason}); `nvidia-smi` shows whether its driver works"
    )
