# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg export`: a trained checkpoint becomes a model folder that the node can run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.bundle import ROUTES_OF_KIND, SEGMENTATION
from nightseg_ros.bundles.routes import DAY, NIGHT
from nightseg_ros.cli.export_frames import FrameOptions, export_frames
from nightseg_ros.cli.options.fields import OneOf, argument, flag, nested, option
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.write_model import write_model
from nightseg_ros.engines.parity import FP16, FP32, INT8
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.replay.card_training import licence

KIND = OneOf()


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg export`."""

    checkpoint: Path = argument(
        "model.pt or night2day.pt of a training, or the folder of an fp32 model"
    )
    out: Path = option("model folder, as models/NAME", fills=True)
    route: str | None = option(
        "which route a segmentation model serves (default: fused for a fusion; a translator "
        "always serves translate)",
        None,
        choices=ROUTES_OF_KIND[SEGMENTATION],
    )
    also: tuple[str, ...] = option(
        "a further route that the model serves: it may then be chosen for that one too",
        (),
        choices=(DAY, NIGHT),
    )
    size: tuple[int, int] | None = option(
        "WxH of the network's input (default 480x272)", None, parse=image_size
    )
    exposure: float | None = option(
        "of a darkening module: the mean grey value, 0 to 1, that its graph is to have",
        None,
        metavar="E",
    )
    batch: str = option(
        "images in one run: always 1 (default), or any number", "1", choices=("1", "dynamic")
    )
    fp16: bool = flag("16-bit floats, for GPUs; a CPU only gets slower", group=KIND)
    int8: bool = flag("8-bit whole numbers, for CPUs; needs --calibrate", group=KIND)
    symmetric: bool = flag("with --int8: the kind of int8 that TensorRT reads, slower on CPUs")
    images: FrameOptions = nested(FrameOptions)
    calibrate_count: int = option("how many of them (128)", 128, metavar="N")
    frames_count: int = option("how many of these (32)", 32, metavar="N")
    licence: str = option("licence of the weights", "")


def run(options: Options) -> dict[str, object]:
    """Export, prove, and only then write the bundle."""
    precision = INT8 if options.int8 else FP16 if options.fp16 else FP32
    _check(options, precision)
    import onnx

    from nightseg_ros.export.convert import in_precision
    from nightseg_ros.export.operators import tensorrt_versions
    from nightseg_ros.export.proof import prove
    from nightseg_ros.export.source import read_source

    source = read_source(
        options.checkpoint,
        size=options.size,
        route=options.route,
        any_batch=options.batch == "dynamic",
        licence=options.licence,
        exposure=options.exposure,
    )
    if options.images.labels and source.labels is None:
        raise NightsegError(f"{options.checkpoint} is a translator; leave --labels out")
    frames = export_frames(
        source.size,
        options.images,
        calibration_count=options.calibrate_count if precision == INT8 else 0,
        proof_count=options.frames_count,
        label_set=source.labels or CITYSCAPES19,
    )
    with Progress(len(frames.calibration), "calibrate") as progress:
        data = in_precision(
            source.onnx,
            precision,
            frames.calibration,
            symmetric=options.symmetric,
            on_frame=progress.advance,
        )
    name = options.out.name
    with Progress(len(frames.proof), "prove") as progress:
        parity = prove(
            source,
            data,
            precision,
            frames.proof,
            frames.truths,
            name=name,
            on_frame=progress.advance,
        )
    figures: dict[str, Any] = {"precision": precision, **parity.to_dict(), "of": frames.about}
    bundle = write_model(options.out, source, data, figures, options.also, licence(source.training))
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


def _check(options: Options, precision: str) -> None:
    """Refuse options that do not fit together before minutes are spent on them."""
    if precision == INT8 and not options.images.calibrate:
        raise NightsegError(
            "--int8 takes its ranges from images; give --calibrate with a folder of training images"
        )
    if precision != INT8 and (options.images.calibrate or options.symmetric):
        raise NightsegError("--calibrate and --symmetric are for --int8; leave them out, or add it")
    if min(options.calibrate_count, options.frames_count) < 1:
        raise NightsegError("--calibrate-count and --frames-count must be at least 1")
    if options.images.labels and options.images.frames:
        raise NightsegError("--labels brings its own frames; leave --frames out")
    if options.out.exists() and not options.out.is_dir():
        raise NightsegError(f"--out {options.out} is a file; name a folder, as models/NAME")
