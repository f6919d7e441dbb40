# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg build-engine`: the engine of a model for this machine, built, proven and kept."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.cli.export_frames import ExportFrames, FrameOptions, export_frames
from nightseg_ros.cli.options.fields import argument, flag, nested, option
from nightseg_ros.cli.options.models import one_model
from nightseg_ros.engines.cache.store import CachedEngine, EngineCache
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.cache.key import EngineKey

TENSORRT, OPENVINO, TORCH = "tensorrt", "openvino-int8", "torch-tensorrt"
ONNXRUNTIME = "onnxruntime-tensorrt"
ENGINES = (TENSORRT, OPENVINO, TORCH, ONNXRUNTIME)
PRECISIONS = ("fp32", "tf32", "fp16", "int8")
PORTABLE = "portable"
CALIBRATION, PROOF = 128, 32
"""Frames that int8 is calibrated on, and that an engine is proven on, at most."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg build-engine`."""

    model: str = argument("model by name, or its folder")
    engine: str = option("default: tensorrt", TENSORRT, choices=ENGINES)
    precision: str | None = option(
        "of a TensorRT engine (default: that of the model, an fp32 one with TF32)",
        None,
        choices=PRECISIONS,
    )
    batch: int = option("images at a time, for models exported for any batch", 1)
    device: str = option(
        "number of the GPU, or 'portable': TensorRT-RTX then builds for any GPU, without one", "0"
    )
    images: FrameOptions = nested(FrameOptions)
    checkpoint: Path | None = option(
        "the model's checkpoint, for torch-tensorrt", None, metavar="FILE"
    )
    workspace: int | None = option("GPU memory for building (default 1024)", None, metavar="MIB")
    force: bool = flag("build again what is there")


def run(options: Options) -> dict[str, object]:
    """Build, prove and keep."""
    check(options)
    bundle = one_model(options.model)
    build = {TENSORRT: _tensorrt, TORCH: _tensorrt, OPENVINO: _openvino, ONNXRUNTIME: _onnxruntime}
    cache = EngineCache()
    before = {entry.engine.path for entry in cache.entries(verify=False) if entry.engine}
    engine, gpu = build[options.engine](bundle, options, cache)
    return {
        "model": bundle.name,
        "engine": options.engine,
        "precision": engine.key.precision,
        "device": engine.key.device,
        "batch": engine.key.batch,
        "path": str(engine.path),
        "bytes": engine.bytes,
        "new": engine.path not in before,
        "proven": engine.proven,
        "parity": engine.facts.get("parity"),
        "gpu": gpu,
        "facts": dict(engine.facts),
    }


def render(result: dict[str, Any]) -> str:
    """Return what was built, whether it is proven, and its folder."""
    size = f"{result['bytes'] / 1e6:.1f} MB"
    what = "built" if result["new"] else "already there"
    head = (
        f"{result['model']}: {result['engine']} {result['precision']} for {result['device']}, "
        f"{size}, {what}"
    )
    if (parity := result["parity"]) is not None:
        figures = ", ".join(f"{name} {value}" for name, value in parity.items())
        proof = f"proven against the ONNX on the CPU: {figures}"
    elif result["engine"] == ONNXRUNTIME:
        proof = "one synthetic image was compared with the ONNX on the CPU, and the masks agreed"
    else:
        proof = (
            "NOT proven: there is no GPU here to run it on. Its masks are compared with the ONNX "
            "when it is first used; run this command on the machine with the GPU to prove it there"
        )
    return "\n".join([head, proof, str(result["path"])])


def check(options: Options) -> None:
    """Refuse options that the engine does not have, rather than ignore them."""
    tensorrt = options.engine in (TENSORRT, TORCH)
    foreign = {
        "--precision": options.precision is not None and not tensorrt,
        "--workspace": options.workspace is not None and not tensorrt,
        "--batch": options.batch != 1 and options.engine != TENSORRT,
        "--calibrate": options.images.calibrate and options.engine not in (OPENVINO, TENSORRT),
        "--checkpoint": options.checkpoint is not None and options.engine != TORCH,
        "--frames": options.images.frames and options.engine == ONNXRUNTIME,
        "--labels": options.images.labels and options.engine == ONNXRUNTIME,
        "--device": options.device != "0" and options.engine != TENSORRT,
    }
    for name, wrong in foreign.items():
        if wrong:
            raise NightsegError(f"{name} is not for --engine {options.engine}; leave it out")
    if options.engine == OPENVINO and not options.images.calibrate:
        raise NightsegError(
            "openvino-int8 needs driving images to find its ranges; give --calibrate FOLDER"
        )
    if options.engine == TORCH and options.checkpoint is None:
        raise NightsegError("torch-tensorrt needs the weights; give --checkpoint model.pt")
    if options.images.calibrate and options.engine == TENSORRT and options.precision != "int8":
        raise NightsegError("--calibrate is for --precision int8; leave it out, or give both")
    if options.device != PORTABLE and not options.device.isdigit():
        raise NightsegError(
            f"--device is '{options.device}'; give the number of a GPU or 'portable'"
        )
    for name, value in (("--batch", options.batch), ("--workspace", options.workspace)):
        if value is not None and value < 1:
            raise NightsegError(f"{name} is {value}; give 1 or more")


def log(line: str) -> None:
    """Print progress on stderr, so that stdout holds the result only."""
    print(line, file=sys.stderr, flush=True)


def _frames(bundle: Bundle, options: Options) -> Callable[[], ExportFrames]:
    """Return what loads the frames, once and only where they are needed."""

    @functools.cache
    def load() -> ExportFrames:
        return export_frames(
            (bundle.height, bundle.width),
            options.images,
            calibration_count=CALIBRATION,
            proof_count=PROOF,
            label_set=bundle.labels or CITYSCAPES19,
        )

    return load


def _tensorrt(bundle: Bundle, options: Options, cache: EngineCache) -> tuple[CachedEngine, str]:
    from nightseg_ros.engines.tensorrt.builder import WORKSPACE_MIB
    from nightseg_ros.engines.tensorrt.cuda_driver import find_gpu, why_no_gpu
    from nightseg_ros.engines.tensorrt.library import KINDS, RTX, load_library
    from nightseg_ros.export.to_tensorrt import Proof, Request, build_tensorrt

    portable = options.device == PORTABLE
    gpu = None if portable or why_no_gpu() else find_gpu(int(options.device))
    # Without a GPU only TensorRT-RTX builds, and torch_tensorrt builds for the other one only.
    kinds = (TENSORRT,) if options.engine == TORCH else (RTX,) if portable else KINDS
    if gpu is None and options.engine == TENSORRT:
        kinds = (RTX,)
        if not portable:
            log(f"{why_no_gpu()}; building for GPUs elsewhere")
    workspace = options.workspace or WORKSPACE_MIB
    write = None
    if options.engine == TORCH and options.checkpoint is not None:
        from nightseg_ros.export.to_torch_tensorrt import torch_library, torch_plan_writer

        torch_library()
        write = functools.partial(
            torch_plan_writer, bundle, options.checkpoint, workspace_mib=workspace
        )
    frames = _frames(bundle, options)
    asked = (options.precision, options.batch, workspace, options.force)
    request = Request(bundle, gpu, *asked, calibration=lambda: frames().calibration)
    engine = build_tensorrt(
        load_library(kinds),
        request,
        lambda: Proof(frames().proof, frames().truths),
        cache=cache,
        log=log,
        write=write,
    )
    return engine, gpu.label if gpu is not None else ""


def _openvino(bundle: Bundle, options: Options, cache: EngineCache) -> tuple[CachedEngine, str]:
    from nightseg_ros.engines.openvino import int8_key
    from nightseg_ros.export.to_openvino import build_int8

    def build(folder: Path) -> dict[str, Any]:
        frames = _frames(bundle, options)()
        return build_int8(
            bundle,
            frames.calibration,
            folder,
            proof_frames=frames.proof,
            truths=frames.truths,
            log=log,
        )

    key: EngineKey = int8_key(bundle)
    return cache.build(key, build, log, force=options.force), ""


def _onnxruntime(bundle: Bundle, options: Options, cache: EngineCache) -> tuple[CachedEngine, str]:
    from nightseg_ros.engines.cache.built import built_engine
    from nightseg_ros.engines.onnxruntime.folder import build_tensorrt, tensorrt_key
    from nightseg_ros.engines.tensorrt.cuda_driver import find_gpu

    build_tensorrt(bundle, log=log, force=options.force)
    return built_engine(tensorrt_key(bundle), bundle.name, cache), find_gpu().label
