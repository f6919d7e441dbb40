# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Explains the error messages of TensorRT to its user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

MOST = 50
"""Most messages to keep; TensorRT repeats itself."""

MEANINGS = (
    (
        r"could not find any implementation|no implementation|insufficient (memory|workspace)|"
        r"out ?of ?memory|cudaErrorMemoryAllocation|MEM_ALLOC|requested amount of GPU memory",
        "there is too little free GPU memory; end other programs that use the GPU, or change the "
        "limit with --workspace",
    ),
    (
        r"version ?tag|magic ?tag|serialization assertion|incompatible version|VERSION_MISMATCH|"
        r"different version|old(er)? version|not compatible with this version|header",
        "the engine was built by another version of TensorRT",
    ),
    (
        r"compute capability|different (gpu|device)|target gpu|unsupported sm|UNSUPPORTED_CC|"
        r"SM \d+ is not supported|GPU architecture",
        "the engine was built for another GPU, or this GPU is not one that this TensorRT supports",
    ),
    (
        r"must have type|unsupported (input|data) ?type|UNSUPPORTED_NODE|INVALID_NODE|"
        r"no importer|unsupported (operator|operation)|no plugin|plugin not found",
        "an operator or type of the network is unknown to this TensorRT",
    ),
    (
        r"driver version is insufficient|initialization failure|no CUDA-capable|"
        r"CUDA GPU properties|cudaErrorNoDevice|CUDA_ERROR_NO_DEVICE",
        "there is no GPU that this TensorRT can use, or its driver is too old",
    ),
)
"""The first match explains an error; the last one also accompanies other errors without a GPU."""


def explain(errors: Sequence[str], otherwise: str = "TensorRT gave no reason") -> str:
    """Return the errors as one line: their meaning, and the message that shows it."""
    for pattern, meaning in MEANINGS:
        for error in errors:
            if re.search(pattern, error, re.IGNORECASE):
                return f"{meaning} (TensorRT: {_short(error)})"
    return _short(errors[0]) if errors else otherwise


def create_log(trt: Any) -> Any:
    """Return a logger for TensorRT that keeps the errors in its list `errors` and prints nothing.

    The class is made here because its base belongs to a library that may not be installed.
    """

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            serious = severity in (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR)
            if serious and len(self.errors) < MOST:
                self.errors.append(message)

    return Log()


def _short(message: str) -> str:
    """Return a message in one line, without source locations in TensorRT."""
    text = re.sub(r"\(?\bIn \S+ at \S+:\d+\b", "", " ".join(message.split()))
    return text[:240].rstrip()
