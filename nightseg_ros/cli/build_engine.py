# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg build-engine`: the engine of a model for this machine, built, proven and kept."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.cache import CachedEngine, EngineCache
from nightseg_ros.engines.cache_key import EngineKey
from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.cli.export_frames import ExportFrames

TENSORRT, OPENVINO, TORCH = "tensorrt", "openvino-int8", "torch-tensorrt"
ONNXRUNTIME = "onnxruntime-tensorrt"
ENGINES = (TENSORRT, OPENVINO, TORCH, ONNXRUNTIME)
PRECISIONS = ("fp32", "tf32", "fp16", "int8")
PORTABLE = "portable"
CALIBRATION, PROOF = 128, 32
"""Frames that int8 is calibrated on, and that an engine is proven on, at most."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this verb."""
    parser.add_argument("model", help="model by name, or its folder")
    parser.add_argument("--engine", choices=ENGINES, default=TENSORRT, help="default: tensorrt")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of a TensorRT engine (default: that of the model, an fp32 one with TF32)",
    )
    parser.add_argument(
        "--batch", type=int, default=1, help="images at a time, for models exported for any batch"
    )
    parser.add_argument(
        "--device",
        default="0",
        help="number of the GPU, or 'portable': TensorRT-RTX then builds for any GPU, without one",
    )
    parser.add_argument(
        "--frames",
        default="",
        metavar="DATA",
        help="driving images to prove the engine on: a folder or LAYOUT:FOLDER:SPLIT (default: "
        "those of --calibrate that are left over, else a drive that is drawn)",
    )
    parser.add_argument(
        "--labels",
        default="",
        metavar="DATA",
        help="a labelled set to prove it on: the loss of mIoU counts too, and openvino-int8 keeps "
        "layers that cost too much in floats",
    )
    parser.add_argument(
        "--calibrate",
        nargs="+",
        default=[],
        metavar="DATA",
        help="images that show all the light the model will see, for openvino-int8 and for "
        "--precision int8; training images, never those it is validated on",
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="the model's checkpoint, for torch-tensorrt"
    )
    parser.add_argument(
        "--workspace", type=int, metavar="MIB", help="GPU memory for building (default 1024)"
    )
    parser.add_argument("--force", action="store_true", help="build again what is there")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Build, prove and keep."""
    from nightseg_ros.cli.evaluate import load_models

    check(args)
    (bundle,) = load_models([args.model]).values()
    build = {TENSORRT: _tensorrt, TORCH: _tensorrt, OPENVINO: _openvino, ONNXRUNTIME: _onnxruntime}
    cache = EngineCache()
    before = {entry.engine.path for entry in cache.entries(verify=False) if entry.engine}
    engine, gpu = build[args.engine](bundle, args, cache)
    return {
        "model": bundle.name,
        "engine": args.engine,
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
    """Return what was built, whether it is proven, and where it lies."""
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
        proof = "one made-up image was compared with the ONNX on the CPU, and was equal enough"
    else:
        proof = (
            "NOT proven: there is no GPU here to run it on. Its masks are compared with the ONNX "
            "when it is first used; run this command on the machine with the GPU to prove it there"
        )
    return "\n".join([head, proof, str(result["path"])])


def check(args: argparse.Namespace) -> None:
    """Refuse options that the engine does not have, rather than ignore them."""
    tensorrt = args.engine in (TENSORRT, TORCH)
    foreign = {
        "--precision": args.precision is not None and not tensorrt,
        "--workspace": args.workspace is not None and not tensorrt,
        "--batch": args.batch != 1 and args.engine != TENSORRT,
        "--calibrate": args.calibrate and args.engine not in (OPENVINO, TENSORRT),
        "--checkpoint": args.checkpoint is not None and args.engine != TORCH,
        "--frames": args.frames and args.engine == ONNXRUNTIME,
        "--labels": args.labels and args.engine == ONNXRUNTIME,
        "--device": args.device != "0" and args.engine != TENSORRT,
    }
    for option, wrong in foreign.items():
        if wrong:
            raise NightsegError(f"{option} is not for --engine {args.engine}; leave it out")
    if args.engine == OPENVINO and not args.calibrate:
        raise NightsegError(
            "openvino-int8 needs driving images to tell its ranges; give --calibrate FOLDER"
        )
    if args.engine == TORCH and args.checkpoint is None:
        raise NightsegError("torch-tensorrt needs the weights; give --checkpoint model.pt")
    if args.calibrate and args.engine == TENSORRT and args.precision != "int8":
        raise NightsegError("--calibrate is for --precision int8; leave it out, or give both")
    if args.device != PORTABLE and not args.device.isdigit():
        raise NightsegError(f"--device is '{args.device}'; give the number of a GPU or 'portable'")
    for option, value in (("--batch", args.batch), ("--workspace", args.workspace)):
        if value is not None and value < 1:
            raise NightsegError(f"{option} is {value}; give 1 or more")


def say(line: str) -> None:
    """Tell progress on stderr, so that stdout holds the result only."""
    print(line, file=sys.stderr, flush=True)


def _frames(bundle: Bundle, args: argparse.Namespace) -> Callable[[], ExportFrames]:
    """Return what loads the frames, once and only where they are needed."""

    @functools.cache
    def load() -> ExportFrames:
        from nightseg_ros.cli.export_frames import export_frames

        return export_frames(
            (bundle.height, bundle.width),
            calibrate=args.calibrate,
            calibration_count=CALIBRATION,
            frames=args.frames,
            labels=args.labels,
            proof_count=PROOF,
        )

    return load


def _tensorrt(
    bundle: Bundle, args: argparse.Namespace, cache: EngineCache
) -> tuple[CachedEngine, str]:
    from nightseg_ros.engines.cuda_driver import find_gpu, why_no_gpu
    from nightseg_ros.engines.tensorrt_builder import WORKSPACE_MIB
    from nightseg_ros.engines.tensorrt_library import KINDS, RTX, load_library
    from nightseg_ros.export.to_tensorrt import Proof, Request, build_tensorrt

    portable = args.device == PORTABLE
    gpu = None if portable or why_no_gpu() else find_gpu(int(args.device))
    # Without a GPU only TensorRT-RTX builds, and torch_tensorrt builds for the other one only.
    kinds = (TENSORRT,) if args.engine == TORCH else (RTX,) if portable else KINDS
    if gpu is None and args.engine == TENSORRT:
        kinds = (RTX,)
        if not portable:
            say(f"{why_no_gpu()}; building for GPUs elsewhere")
    workspace = args.workspace or WORKSPACE_MIB
    write = None
    if args.engine == TORCH:
        from nightseg_ros.export.to_torch_tensorrt import torch_library, torch_plan_writer

        torch_library()
        write = functools.partial(
            torch_plan_writer, bundle, args.checkpoint, workspace_mib=workspace
        )
    frames = _frames(bundle, args)
    engine = build_tensorrt(
        load_library(kinds),
        Request(
            bundle,
            gpu,
            args.precision,
            args.batch,
            workspace,
            args.force,
            calibration=lambda: frames().calibration,
        ),
        lambda: Proof(frames().proof, frames().truths),
        cache=cache,
        say=say,
        write=write,
    )
    return engine, gpu.label if gpu is not None else ""


def _openvino(
    bundle: Bundle, args: argparse.Namespace, cache: EngineCache
) -> tuple[CachedEngine, str]:
    from nightseg_ros.engines.openvino_engine import int8_key
    from nightseg_ros.export.to_openvino import build_int8

    def build(folder: Path) -> dict[str, Any]:
        frames = _frames(bundle, args)()
        return build_int8(
            bundle,
            frames.calibration,
            folder,
            proof_frames=frames.proof,
            truths=frames.truths,
            say=say,
        )

    key: EngineKey = int8_key(bundle)
    return cache.build(key, build, say, force=args.force), ""


def _onnxruntime(
    bundle: Bundle, args: argparse.Namespace, cache: EngineCache
) -> tuple[CachedEngine, str]:
    from nightseg_ros.engines.built import built_engine
    from nightseg_ros.engines.cuda_driver import find_gpu
    from nightseg_ros.engines.onnxruntime_folder import build_tensorrt, tensorrt_key

    build_tensorrt(bundle, say=say, force=args.force)
    return built_engine(tensorrt_key(bundle), bundle.name, cache), find_gpu().label
