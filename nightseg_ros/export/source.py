# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is exported: a checkpoint of a training, or the fp32 network of another model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundle import ROUTES, SEGMENTATION, SIDES, TRANSLATION, YAML_FILE, Bundle
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.onnx_metadata import read_metadata
from nightseg_ros.engines.parity import FP32
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19, LabelSet
from nightseg_ros.routes import FUSED

SIZE = (272, 480)


@dataclass(frozen=True)
class Source:
    """A network in fp32, and what its model folder says of it."""

    onnx: bytes
    kind: str
    route: str
    size: tuple[int, int]
    labels: LabelSet | None
    training: Mapping[str, Any]
    licence: str
    engine: Engine | None = None
    """The network in torch, which the ONNX must equal; None where only the ONNX is there."""


def read_source(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    route: str | None = None,
    any_batch: bool = False,
    licence: str = "",
    exposure: float | None = None,
) -> Source:
    """Read a checkpoint, or a model folder, which already knows its size and route.

    `exposure` is for a darkening module, whose graph has one exposure only.
    """
    if not (path / YAML_FILE).is_file():
        return _checkpoint(path, size or SIZE, route, any_batch, licence, exposure)
    bundle = Bundle.load(path)
    own = (bundle.height, bundle.width)
    asked: dict[str, object] = {"--size": size, "--route": route, "--exposure": exposure}
    asked["--batch"] = any_batch or None
    there: dict[str, object] = {"--size": own, "--route": bundle.route}
    for option, value in asked.items():
        if value is not None and value != there.get(option):
            raise NightsegError(
                f"{path} is a model folder, its network is exported already: {option} cannot "
                "change; export the checkpoint again"
            )
    data = bundle.read_model()
    if (precision := read_metadata(data).get(PRECISION_KEY, FP32)) != FP32:
        raise NightsegError(f"{path} is in {precision}; name a model in fp32, or its checkpoint")
    return Source(
        onnx=data,
        kind=bundle.kind,
        route=bundle.route,
        size=own,
        labels=bundle.labels,
        training=bundle.training,
        licence=licence or bundle.licence,
    )


def _checkpoint(
    path: Path,
    size: tuple[int, int],
    route: str | None,
    any_batch: bool,
    licence: str,
    exposure: float | None,
) -> Source:
    try:
        from nightseg_ros.export.graph import SegmentationGraph, TranslationGraph
        from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx
        from nightseg_ros.export.torch_engine import TorchEngine
        from nightseg_ros.learning.networks.registry import load_checkpoint, read_checkpoint
        from nightseg_ros.learning.translate import load_generator
    except ImportError as error:
        raise NightsegError(
            f"a checkpoint is exported with torch, which cannot be imported ({error}); "
            "pip install '.[train]'"
        ) from error
    if any(side not in SIDES for side in size):
        raise NightsegError(
            f"export size {size[1]}x{size[0]}: both sides must be {SIDES.start} to {SIDES.stop - 1}"
        )
    content = read_checkpoint(path)
    training = {"network": dict(content["network"]), **content.get("about", {})}
    if "kind" in content["network"]:
        if route:
            raise NightsegError(f"{path} is a translator; leave --route out")
        generator = load_generator(path, exposure)
        if exposure is not None:
            training["network"]["apply_at"] = exposure
        onnx = translation_onnx(generator, size, any_batch=any_batch)
        engine = TorchEngine(TranslationGraph(generator), size)
        return Source(onnx, TRANSLATION, "translate", size, None, training, licence, engine)
    if exposure is not None:
        raise NightsegError(f"{path} is a segmentation model; leave --exposure out")
    network, config, _ = load_checkpoint(path)
    route = route or (FUSED if config.name == FUSED else None)
    if not route:
        choices = "|".join(ROUTES[SEGMENTATION])
        raise NightsegError(f"{path} is a segmentation model; give --route {choices}")
    if config.classes != CITYSCAPES19.count:
        raise NightsegError(f"{path} has {config.classes} classes, need {CITYSCAPES19.count}")
    onnx = segmentation_onnx(network, size, config.classes, any_batch=any_batch)
    engine = TorchEngine(SegmentationGraph(network), size)
    return Source(onnx, SEGMENTATION, route, size, CITYSCAPES19, training, licence, engine)
