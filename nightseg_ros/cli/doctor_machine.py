# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks of what segmentation needs with or without ROS: Python, OpenCV, engine, GPU, models."""

from __future__ import annotations

import base64
import math
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from nightseg_ros import __version__
from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.choice import best, figure, milliseconds
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.bundles.routes import ON_REQUEST, ROUTE_OF
from nightseg_ros.cli.doctor_checks import FAIL, OK, WARN, Check, Finding, load
from nightseg_ros.engines.gpu import gpu_device, nvidia_smi
from nightseg_ros.errors import NightsegError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
# An ONNX graph of one Neg node: that a provider is listed does not mean that it can be created.
_TINY = base64.b64decode(
    "CAc6MgoLCgF4EgF5IgNOZWcSAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgQKABAN"
)


def check_python() -> list[Finding]:
    """Name the interpreter and this package."""
    text = f"nightseg_ros {__version__}, Python {platform.python_version()} ({sys.executable})"
    return [Finding("python", OK, text)]


def check_opencv() -> list[Finding]:
    """Check OpenCV and numpy, which break each other when one is built for another version."""
    for name, package in (("numpy", "numpy"), ("cv2", "opencv-python-headless")):
        module = load(name)
        if isinstance(module, str):
            return [Finding("opencv", FAIL, module, f"pip install --upgrade {package}")]
    cv2, numpy = load("cv2"), load("numpy")
    versions = (
        f"OpenCV {getattr(cv2, '__version__', '?')}, numpy {getattr(numpy, '__version__', '?')}"
    )
    return [Finding("opencv", OK, versions)]


def check_gpu() -> list[Finding]:
    """Look for a GPU; none is fine."""
    return [Finding("gpu", OK, gpu() or "none is visible; networks run on the CPU")]


def check_onnxruntime() -> list[Finding]:
    """Check the engine, and the provider that it really gets."""
    ort = load("onnxruntime")
    if isinstance(ort, str):
        return [Finding("onnxruntime", FAIL, ort, "pip install onnxruntime")]
    present = gpu()
    cuda = CUDA in ort.get_available_providers()
    text = f"ONNX Runtime {ort.__version__}"
    both = [name for name in ("onnxruntime", "onnxruntime-gpu") if _installed(name)]
    if len(both) == 2:
        remedy = "pip uninstall onnxruntime onnxruntime-gpu, then install the one you want"
        return [Finding("onnxruntime", WARN, f"{text}, {' and '.join(both)} overlap", remedy)]
    if not cuda:
        text += f", runs on {CPU}"
        if present:
            remedy = "pip uninstall onnxruntime && pip install onnxruntime-gpu"
            if present.startswith("Jetson"):
                remedy = "install the onnxruntime-gpu of your JetPack; see doc/how_to/jetson.md"
            return [Finding("onnxruntime", WARN, f"{text} although there is a GPU", remedy)]
        return [Finding("onnxruntime", OK, text)]
    provider = _provider(ort)
    if provider == CUDA:
        return [Finding("onnxruntime", OK, f"{text}, runs on {CUDA}")]
    if present:
        remedy = "install the CUDA and cuDNN versions that this ONNX Runtime names in its log"
        return [
            Finding("onnxruntime", FAIL, f"{text}: {CUDA} cannot be created, {provider}", remedy)
        ]
    return [Finding("onnxruntime", OK, f"{text}, built for CUDA; without a GPU it is {provider}")]


def check_models() -> list[Finding]:
    """Verify every model folder, and list the routes that they make possible."""
    folder = default_models_dir()
    remedy = "set NIGHTSEG_MODELS to a models folder, or install the package again"
    if not folder.is_dir():
        return [Finding("models", FAIL, f"there is no folder {folder}", remedy)]
    roles: dict[str, list[Bundle]] = {}
    findings = []
    for path in find_bundles(folder):
        try:
            bundle = Bundle.load(path)
        except NightsegError as error:
            what, _, todo = str(error).rpartition("; ")
            findings.append(
                Finding("models", FAIL, what or todo, todo if what else "export it again")
            )
        else:
            for role in bundle.roles:
                roles.setdefault(role, []).append(bundle)
    if not roles:
        findings.append(Finding("models", FAIL, f"there is no usable model in {folder}", remedy))
        return findings
    findings.append(Finding("models", OK, f"{folder}: {sum(map(len, roles.values()))} usable"))
    for role, bundles in sorted(roles.items()):
        held = ", ".join(_described(bundle, role) for bundle in bundles)
        if role in ON_REQUEST:
            findings.append(Finding("models", OK, f"{role}: {held}; used where it is named"))
            continue
        try:
            chosen = f"; {best(bundles, role).name} is used where none is named"
        except NightsegError as error:
            todo = f"name one: the parameter {role}_model"
            findings.append(Finding("models", WARN, str(error).rpartition(";")[0], todo))
        else:
            findings.append(Finding("models", OK, f"{role}: {held}{chosen}"))
    missing = sorted({"day", "night"} - roles.keys())
    if missing:
        text = f"there is no {' and no '.join(missing)} model: the node cannot use these routes"
        todo = f"add one, or leave {', '.join(ROUTE_OF[x] for x in missing)} out of allowed_routes"
        findings.append(Finding("models", WARN, text, todo))
    return findings


def _described(bundle: Bundle, role: str) -> str:
    """Return a model's name with what it costs and how well it sees, by its model.yaml."""
    miou, cost = figure(bundle, role), milliseconds(bundle)
    facts = [f"{miou:.1f} mIoU"] if miou is not None else []
    facts += [f"{cost:.0f} ms"] if math.isfinite(cost) else []
    return f"{bundle.name} ({', '.join(facts)})" if facts else bundle.name


MACHINE_CHECKS: tuple[Check, ...] = (
    check_python,
    check_opencv,
    check_gpu,
    check_onnxruntime,
    check_models,
)


def gpu() -> str:
    """Return the GPU of this machine, or an empty text."""
    model = Path("/proc/device-tree/model")
    if Path("/etc/nv_tegra_release").exists():
        name = model.read_text(errors="replace").strip("\0\n ") if model.exists() else "unknown"
        return f"Jetson: {name}"
    if named := nvidia_smi("name,driver_version"):
        return "; driver ".join(named.splitlines()[0].split(", "))
    device = gpu_device()
    return f"{device}; its driver does not answer nvidia-smi" if device else ""


def _provider(ort: Any) -> str:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(_TINY, options, providers=[CUDA, CPU])
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"{session.get_providers()[0]}"


def _installed(distribution: str) -> bool:
    try:
        return bool(metadata.version(distribution))
    except metadata.PackageNotFoundError:
        return False
