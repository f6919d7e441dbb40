# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether an engine in the cache can still be of use on this machine, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nightseg_ros.bundle import YAML_FILE, Bundle, default_models_dir, find_bundles
from nightseg_ros.engines.cache_key import EngineKey
from nightseg_ros.engines.tensorrt_library import KINDS, PORTABLE
from nightseg_ros.errors import NightsegError


@dataclass(frozen=True)
class Machine:
    """What engines are compared with; what is not known is empty and makes nothing stale."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Backend -> version that is installed."""
    devices: Mapping[str, str] = field(default_factory=dict)
    """Backend -> device that it would run on."""
    models: Mapping[str, str] = field(default_factory=dict)
    """sha256 of an ONNX file -> model folder."""


def why_stale(key: EngineKey, machine: Machine) -> str:
    """Return why nobody will ever load this engine here again, or nothing."""
    if key.sha256 not in machine.models and key.model:
        folder = Path(key.model)
        if not (folder / YAML_FILE).is_file():
            return f"its model {folder} is not there any more"
        if _sha256(folder) != key.sha256:
            return f"{folder.name} has been exported again since"
    if machine.versions.get(key.backend, key.version) != key.version:
        return f"this machine has {key.backend} {machine.versions[key.backend]}"
    if key.device != PORTABLE and machine.devices.get(key.backend, key.device) != key.device:
        return f"this machine has {machine.devices[key.backend]}"
    return ""


def this_machine(backends: Iterable[str]) -> Machine:
    """Return what is here for engines of these backends; libraries of others are not loaded."""
    versions: dict[str, str] = {}
    devices: dict[str, str] = {}
    for backend in set(backends):
        for known, look in ((versions, _version), (devices, _device)):
            with suppress(Exception):  # a library that is missing or broken tells nothing
                known[backend] = look(backend)
    models = {}
    with suppress(NightsegError):
        for folder in find_bundles(default_models_dir()):
            models[_sha256(folder)] = str(folder)
    return Machine(versions, devices, models)


def _version(backend: str) -> str:
    if backend in KINDS:
        from nightseg_ros.engines.tensorrt_library import load_library

        return load_library((backend,)).version
    if backend == "openvino":
        from nightseg_ros.engines import openvino_engine

        return openvino_engine.version()
    import onnxruntime

    return str(onnxruntime.__version__)


def _device(backend: str) -> str:
    if backend == "openvino":
        from nightseg_ros.engines.openvino_engine import cpu_name

        return cpu_name()
    from nightseg_ros.engines.cuda_driver import find_gpu

    return find_gpu().label


def _sha256(folder: Path) -> str:
    """Return what model.yaml says of its ONNX file, or nothing."""
    with suppress(NightsegError):
        return Bundle.load(folder, verify=False).sha256
    return ""
