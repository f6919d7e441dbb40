# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg import`: a network that was trained and exported elsewhere becomes a model folder."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.bundle import ROUTES_OF_KIND, SEGMENTATION
from nightseg_ros.bundles.choice import USUAL_ENGINE
from nightseg_ros.bundles.routes import DAY, NIGHT
from nightseg_ros.cli.export_frames import FrameOptions, export_frames
from nightseg_ros.cli.options.fields import argument, flag, option
from nightseg_ros.cli.options.values import image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.segment_inputs import check_names, find_inputs
from nightseg_ros.cli.segment_job import SegmentJob
from nightseg_ros.cli.write_model import write_model
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.imported.mask_output import KINDS
from nightseg_ros.export.imported.normalisation import PRESETS, Normalisation, Triple
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings

if TYPE_CHECKING:
    from nightseg_ros.export.source import Source

REFERENCE = "the original, run by its own rules"

NOTES = """\
What the graph does not contain is requested, with the reason; nothing is guessed. The masks of the
result are compared with those of the original before it is written. presets of --normalise:
  imagenet   torchvision, timm, smp, transformers: RGB / 255, ImageNet's mean and deviation
  mmseg      the same in bytes, as mmseg has it for Cityscapes
  unit       0 to 1           symmetric  -1 to 1           none  bytes as they are"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg import`."""

    network: Path = argument("an ONNX file: fp32 or uint8 images in, classes out")
    out: Path = option("model folder, as models/NAME", fills=True)
    route: str | None = option("which route it serves", None, choices=ROUTES_OF_KIND[SEGMENTATION])
    also: tuple[str, ...] = option(
        "a further route that it serves: it may then be chosen for that one too",
        (),
        choices=(DAY, NIGHT),
    )
    labels: str = option(
        "its classes: cityscapes19, ade20k150, coco-stuff, voc21 or another known set, a YAML or "
        "JSON file of names, colours and void ids, or the config.json of transformers",
        "",
        metavar="NAME|FILE",
    )
    size: tuple[int, int] | None = option(
        "WxH of its input, where the graph takes any", None, parse=image_size
    )
    normalise: str | None = option(
        "how bytes become its input: a preset, see below", None, choices=tuple(PRESETS)
    )
    mean: tuple[float, ...] = option(
        "(pixel * scale - mean) / std, in its order of channels", (), metavar="X", nargs="+"
    )
    std: tuple[float, ...] = option("see --mean", (), metavar="X", nargs="+")
    scale: float | None = option("see --mean", None)
    bgr: bool = flag("it takes BGR (default: RGB)")
    output: str = option("the output with the classes, where several could be it", "")
    output_kind: str = option(
        "what the values of that output are, where it cannot be seen", "", choices=KINDS
    )
    frames: str = option(
        "images on which it is compared with the original (default: a rendered drive)",
        "",
        metavar="DATA",
    )
    frames_count: int = option("how many of these (12)", 12, metavar="N")
    try_: Path | None = option(
        "write no model, but overlays of these photos to OUT_try, to look at first",
        None,
        metavar="PHOTOS",
    )
    licence: str = option("licence of the weights", "")


def run(options: Options) -> dict[str, object]:
    """Read, wrap and prove; then write overlays, or the model folder."""
    if options.frames_count < 1:
        raise NightsegError(f"--frames-count is {options.frames_count}; it must be at least 1")
    import onnx

    from nightseg_ros.export.imported.network import read_network
    from nightseg_ros.export.imported.source import (
        Answers,
        check_answers,
        imported_source,
        prove_import,
    )
    from nightseg_ros.export.operators import tensorrt_versions, unsupported

    network = read_network(options.network)
    answers = Answers(
        size=options.size,
        normalisation=_normalisation(options),
        labels=find_label_set(options.labels) if options.labels else None,
        route=options.route,
        output=options.output,
        kind=options.output_kind,
        bgr=options.bgr,
        licence=options.licence,
    )
    size = check_answers(network, answers)
    shown = FrameOptions(frames=options.frames)
    frames = export_frames(size, shown, proof_count=options.frames_count)
    source = imported_source(network, answers, frames.proof)
    name = options.out.name
    with Progress(len(frames.proof), "prove") as progress:
        parity = prove_import(source, frames.proof, name, progress.advance)
    facts = source.training["imported"]
    figures: dict[str, Any] = {
        "precision": facts["precision"],
        **parity.to_dict(),
        "of": frames.about,
        "reference": REFERENCE,
    }
    result: dict[str, object] = {
        "found": facts,
        "parity": figures,
        "parity_text": str(parity),
        "classes": source.labels.count if source.labels else 0,
    }
    if options.try_ is not None:
        return {**result, **_tried(options, source)}
    bundle = write_model(options.out, source, source.onnx, figures, options.also)
    graph = onnx.load_from_string(source.onnx)
    return {
        **result,
        "bundle": str(bundle.path),
        "route": bundle.route,
        "sha256": bundle.sha256,
        "megabytes": round(len(source.onnx) / 1e6, 2),
        "tensorrt": tensorrt_versions(graph),
        "tensorrt_lacks": unsupported(graph),
    }


def render(result: dict[str, Any]) -> str:
    """Return what was found in the graph, how equal the result is, and where it lies."""
    found = result["found"]
    norm = found["normalisation"]
    lines = [
        f"input    {found['input']}, {'BGR' if norm['bgr'] else 'RGB'}; "
        f"(pixel * {norm['scale']:.6g} - {norm['mean']}) / {norm['std']}",
        f"output   {found['output']}; {result['classes']} classes; "
        f"confidence: {found['confidence']}",
        f"proof    {result['parity_text']} ({result['parity']['of']})",
    ]
    if "tried" in result:
        lines += [f"failed   {failure['reason']}" for failure in result["failed"]]
        lines.append(
            f"look at  {result['written']} overlays in {result['tried']}; without --try the model "
            "is kept"
        )
        return "\n".join(lines)
    lacks = "; ".join(result["tensorrt_lacks"][:1])
    versions = ", ".join(result["tensorrt"]) or f"none: {lacks or 'its opset is too new'}"
    return "\n".join(
        [
            *lines,
            f"TensorRT {versions}",
            "{bundle}: route {route}, {megabytes} MB, sha256 {sha256}".format(**result),
        ]
    )


def _normalisation(options: Options) -> Normalisation | None:
    """Return what --normalise, or --mean, --std and --scale ask for."""
    own = options.mean or options.std or options.scale is not None
    if own and options.normalise:
        raise NightsegError(
            f"--normalise {options.normalise} has its own mean, std and scale; give one of both"
        )
    if options.normalise:
        found = PRESETS[options.normalise]
    elif own:
        found = Normalisation(
            scale=1.0 if options.scale is None else options.scale,
            mean=_triple("--mean", options.mean or (0.0, 0.0, 0.0)),
            std=_triple("--std", options.std or (1.0, 1.0, 1.0)),
        )
    else:
        return None
    if not all(found.std):
        raise NightsegError(f"--std is {' '.join(map(str, found.std))}; none may be 0")
    return found


def _triple(option: str, values: tuple[float, ...]) -> Triple:
    if len(values) != 3:
        raise NightsegError(f"{option} has {len(values)} values; give one per channel: 3")
    return values[0], values[1], values[2]


def _tried(options: Options, source: Source) -> dict[str, object]:
    """Segment the photos as the node would, and return what was written."""
    assert options.try_ is not None
    assert source.labels is not None
    files = find_inputs([options.try_])
    out = options.out.with_name(f"{options.out.name}_try")
    check_names(files, out, overlays=True)
    with scratch_folder("try") as folder:
        bundle = write_model(folder / options.out.name, source, source.onnx, {})
        with closing(create_engine(bundle, USUAL_ENGINE)) as engine:
            settings = PipelineSettings(route=bundle.route)
            pipeline = Pipeline({bundle.role: engine}, settings, classes=source.labels.count)
            job = SegmentJob(pipeline, out, source.labels)
            job.segment(files)
    return {
        "tried": str(out),
        "written": len(job.total_ms),
        "failed": job.failed,
        "exit_code": 2 if job.failed else 0,
    }
