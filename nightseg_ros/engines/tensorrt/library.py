# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Loads one of the two editions of TensorRT, and knows their differences.

`tensorrt` (8.6 to 11) builds an engine on the GPU that will run it. `tensorrt_rtx` (1.x) builds one
anywhere, for all GPUs from compute capability 8.0 on, and completes it when it is loaded.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.engines.tensorrt.cuda_driver import Gpu

TENSORRT, RTX = "tensorrt", "tensorrt_rtx"
KINDS = (TENSORRT, RTX)
NAMES = {TENSORRT: "TensorRT", RTX: "TensorRT-RTX"}
INSTALL = (
    "pip install tensorrt, on Jetson `sudo apt install python3-libnvinfer`, or pip install "
    "'.[tensorrt-rtx]' in the folder of nightseg_ros for GPUs of the RTX series"
)

PORTABLE = "any GPU of compute capability 8.0 or later"
PORTABLE_FROM = (8, 0)


@dataclass(frozen=True)
class Library:
    """An imported TensorRT."""

    module: Any
    kind: str

    @property
    def version(self) -> str:
        """Its full version: an engine runs on no other."""
        return str(self.module.__version__)

    @property
    def name(self) -> str:
        """Edition and version, for people."""
        return f"{NAMES[self.kind]} {self.version}"

    @property
    def major(self) -> int:
        """The first number of its version."""
        found = re.match(r"\d+", self.version)
        return int(found[0]) if found else 0

    @property
    def strongly_typed(self) -> bool:
        """Whether it can be bound to the types in the ONNX file."""
        return hasattr(self.module.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")

    def target(self, gpu: Gpu | None) -> str:
        """Return the devices that can run an engine built here: part of its key."""
        if self.kind == RTX and (gpu is None or gpu.capability >= PORTABLE_FROM):
            return PORTABLE
        if gpu is None:
            raise NightsegError(
                f"{self.name} builds an engine on the GPU that will run it, and there is none "
                "here; build on the machine with the GPU, or install tensorrt_rtx, which builds "
                "without one"
            )
        return gpu.label


def load_library(kinds: Sequence[str] = KINDS) -> Library:
    """Return the first TensorRT of `kinds` that works, or raise with what each lacks."""
    missing = []
    for kind in kinds:
        try:
            module = importlib.import_module(kind)
        except Exception as error:  # its libraries are loaded on import, which fails in many ways
            missing.append(f"{kind}: {' '.join(str(error).split())[:120]}")
            continue
        if reason := _too_old(module):
            missing.append(f"{kind}: {reason}")
            continue
        return Library(module, kind)
    raise NightsegError(f"TensorRT is not installed ({'; '.join(missing)}); {INSTALL}")


def _too_old(module: Any) -> str:
    """Return which required feature a TensorRT lacks, or an empty text."""
    for owner, feature in (("IExecutionContext", "execute_async_v3"), ("DataType", "UINT8")):
        if not hasattr(getattr(module, owner, None), feature):
            version = getattr(module, "__version__", "of unknown version")
            return f"{version} lacks {owner}.{feature}, 8.6 or later is needed"
    return ""
