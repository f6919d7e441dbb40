# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg export`: a trained checkpoint becomes a model folder that the node can run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import ROUTES, SEGMENTATION
from nightseg_ros.cli.export_frames import export_frames
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.engines.parity import FP16, FP32, INT8
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.card import PARITY, first_card
from nightseg_ros.write_bundle import write_bundle

LICENCE = (
    "Code Apache-2.0. Weights trained on BDD100K and CamVid images: research use, non-commercial."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "checkpoint",
        type=Path,
        help="model.pt or night2day.pt of a training, or the folder of an fp32 model",
    )
    parser.add_argument("--out", type=Path, required=True, help="model folder, as models/NAME")
    parser.add_argument(
        "--route",
        choices=ROUTES[SEGMENTATION],
        help="which route a segmentation model serves (default: fused for a fusion; a translator "
        "always serves translate)",
    )
    parser.add_argument(
        "--size", type=image_size, help="WxH of the network's input (default 480x272)"
    )
    parser.add_argument(
        "--exposure",
        type=float,
        metavar="E",
        help="of a darkening module: the mean grey value, 0 to 1, that its graph is to have",
    )
    parser.add_argument(
        "--batch",
        choices=("1", "dynamic"),
        default="1",
        help="images in one run: always 1 (default), or any number",
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument(
        "--fp16", action="store_true", help="16-bit floats, for GPUs; a CPU only gets slower"
    )
    precision.add_argument(
        "--int8", action="store_true", help="8-bit whole numbers, for CPUs; needs --calibrate"
    )
    parser.add_argument(
        "--symmetric",
        action="store_true",
        help="with --int8: the kind of int8 that TensorRT reads, slower on CPUs",
    )
    parser.add_argument(
        "--calibrate",
        nargs="+",
        default=[],
        metavar="DATA",
        help="images that show all the light the model will see: a folder or LAYOUT:FOLDER:SPLIT; "
        "training images, never those it is validated on",
    )
    parser.add_argument(
        "--calibrate-count", type=int, default=128, metavar="N", help="how many of them (128)"
    )
    parser.add_argument(
        "--frames",
        default="",
        metavar="DATA",
        help="images on which the result is held against the fp32 network (default: those of "
        "--calibrate that are left over, else a rendered drive)",
    )
    parser.add_argument(
        "--labels",
        default="",
        metavar="DATA",
        help="a labelled set to hold it against as well: the loss of mIoU is then judged too",
    )
    parser.add_argument(
        "--frames-count", type=int, default=32, metavar="N", help="how many of these (32)"
    )
    parser.add_argument("--licence", default="", help="licence of the weights")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Export, prove, and only then write the bundle."""
    precision = INT8 if args.int8 else FP16 if args.fp16 else FP32
    _check(args, precision)
    import onnx

    from nightseg_ros.export.convert import in_precision
    from nightseg_ros.export.operators import tensorrt_versions
    from nightseg_ros.export.proof import prove
    from nightseg_ros.export.source import read_source

    source = read_source(
        args.checkpoint,
        size=args.size,
        route=args.route,
        any_batch=args.batch == "dynamic",
        licence=args.licence,
        exposure=args.exposure,
    )
    if args.labels and source.labels is None:
        raise NightsegError(f"{args.checkpoint} is a translator; leave --labels out")
    frames = export_frames(
        source.size,
        calibrate=args.calibrate,
        calibration_count=args.calibrate_count if precision == INT8 else 0,
        frames=args.frames,
        labels=args.labels,
        proof_count=args.frames_count,
    )
    with Progress(len(frames.calibration), "calibrate") as progress:
        data = in_precision(
            source.onnx,
            precision,
            frames.calibration,
            symmetric=args.symmetric,
            seen=progress.advance,
        )
    name = args.out.name
    with Progress(len(frames.proof), "prove") as progress:
        parity = prove(
            source, data, precision, frames.proof, frames.truths, name=name, seen=progress.advance
        )
    figures: dict[str, Any] = {"precision": precision, **parity.to_dict(), "of": frames.about}
    bundle = write_bundle(
        args.out,
        data,
        name=name,
        kind=source.kind,
        route=source.route,
        height=source.size[0],
        width=source.size[1],
        labels=source.labels,
        metrics={PARITY: figures},
        training=source.training,
        licence=source.licence or LICENCE,
        card=first_card(name, source.kind, source.route, source.size, figures),
    )
    return {
        "bundle": str(bundle.path),
        "kind": bundle.kind,
        "route": bundle.route,
        "megabytes": round(len(data) / 1e6, 2),
        "sha256": bundle.sha256,
        "precision": precision,
        "parity": figures,
        "parity_text": str(parity),
        "tensorrt": tensorrt_versions(onnx.load_from_string(data)),
    }


def render(result: dict[str, Any]) -> str:
    """Return what was written, how close it is, and which TensorRT reads it."""
    versions = ", ".join(result["tensorrt"]) or "none (export with --symmetric for it)"
    return "\n".join(
        [
            "{bundle}: {kind}, route {route}, {precision}, {megabytes} MB, sha256 {sha256}".format(
                **result
            ),
            f"parity   {result['parity_text']} ({result['parity']['of']})",
            f"TensorRT {versions}",
        ]
    )


def _check(args: argparse.Namespace, precision: str) -> None:
    """Refuse options that do not fit together before minutes are spent on them."""
    if precision == INT8 and not args.calibrate:
        raise NightsegError(
            "--int8 takes its ranges from images; give --calibrate with a folder of training images"
        )
    if precision != INT8 and (args.calibrate or args.symmetric):
        raise NightsegError("--calibrate and --symmetric are for --int8; leave them out, or add it")
    if min(args.calibrate_count, args.frames_count) < 1:
        raise NightsegError("--calibrate-count and --frames-count must be at least 1")
    if args.labels and args.frames:
        raise NightsegError("--labels brings its own frames; leave --frames out")
    if args.out.exists() and not args.out.is_dir():
        raise NightsegError(f"--out {args.out} is a file; name a folder, as models/NAME")
