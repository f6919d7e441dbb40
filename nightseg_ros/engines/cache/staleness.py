# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds out whether a cached engine can still be used on this machine, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nightseg_ros.bundles.bundle import YAML_FILE, Bundle
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.engines.tensorrt.library import KINDS, PORTABLE
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.engines.cache.key import EngineKey


@dataclass(frozen=True)
class Machine:
    """What engines are compared with; unknown values are missing and make nothing stale."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Backend -> installed version."""
    devices: Mapping[str, str] = field(default_factory=dict)
    """Backend -> device it would run on."""
    models: Mapping[str, str] = field(default_factory=dict)
    """sha256 of an ONNX file -> model folder."""


def why_stale(key: EngineKey, machine: Machine) -> str:
    """Return why this engine can never be loaded here again, or an empty text."""
    if key.sha256 not in machine.models and key.model:
        folder = Path(key.model)
        if not (folder / YAML_FILE).is_file():
            return f"its model {folder} no longer exists"
        if _sha256(folder) != key.sha256:
            return f"{folder.name} has been exported again since"
    if machine.versions.get(key.backend, key.version) != key.version:
        return f"this machine has {key.backend} {machine.versions[key.backend]}"
    if key.device != PORTABLE and machine.devices.get(key.backend, key.device) != key.device:
        return f"this machine has {machine.devices[key.backend]}"
    return ""


def this_machine(backends: Iterable[str]) -> Machine:
    """Return this machine's versions and devices for these backends; load no other libraries."""
    versions: dict[str, str] = {}
    devices: dict[str, str] = {}
    for backend in set(backends):
        for known, look in ((versions, _version), (devices, _device)):
            with suppress(Exception):  # a missing or broken library gives no version
                known[backend] = look(backend)
    models = {}
    with suppress(NightsegError):
        for folder in find_bundles(default_models_dir()):
            models[_sha256(folder)] = str(folder)
    return Machine(versions, devices, models)


def _version(backend: str) -> str:
    if backend in KINDS:
        from nightseg_ros.engines.tensorrt.library import load_library

        return load_library((backend,)).version
    if backend == "openvino":
        from nightseg_ros.engines import openvino as openvino_engine

        return openvino_engine.version()
    import onnxruntime

    return str(onnxruntime.__version__)


def _device(backend: str) -> str:
    if backend == "openvino":
        from nightseg_ros.engines.openvino import cpu_name

        return cpu_name()
    from nightseg_ros.engines.tensorrt.cuda_driver import find_gpu

    return find_gpu().label


def _sha256(folder: Path) -> str:
    """Return the hash of the ONNX file in model.yaml, or an empty text."""
    with suppress(NightsegError):
        return Bundle.load(folder, verify=False).sha256
    return ""
