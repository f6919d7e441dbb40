# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads the source of an export: a checkpoint, or the fp32 network of another model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.bundle import (
    ROUTES_OF_KIND,
    SEGMENTATION,
    SIDES,
    TRANSLATION,
    YAML_FILE,
    Bundle,
)
from nightseg_ros.bundles.onnx_file import read_metadata
from nightseg_ros.bundles.routes import FUSED
from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.graph_check import PRECISION_KEY
from nightseg_ros.engines.parity import FP32
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import LabelSet

SIZE = (272, 480)


@dataclass(frozen=True)
class Source:
    """A network in fp32, with the metadata of its model folder."""

    onnx: bytes
    kind: str
    route: str
    size: tuple[int, int]
    labels: LabelSet | None
    training: Mapping[str, Any]
    licence: str
    engine: Engine | None = None
    """The network in torch, which the ONNX must equal; None where there is only the ONNX."""


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
    requested: dict[str, object] = {"--size": size, "--route": route, "--exposure": exposure}
    requested["--batch"] = any_batch or None
    there: dict[str, object] = {"--size": own, "--route": bundle.route}
    for option, value in requested.items():
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
        from nightseg_ros.learning.networks.registry import (
            labels_of,
            load_checkpoint,
            read_checkpoint,
        )
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
        choices = "|".join(ROUTES_OF_KIND[SEGMENTATION])
        raise NightsegError(f"{path} is a segmentation model; give --route {choices}")
    labels = labels_of(path)
    onnx = segmentation_onnx(network, size, config.classes, any_batch=any_batch)
    engine = TorchEngine(SegmentationGraph(network), size)
    return Source(onnx, SEGMENTATION, route, size, labels, training, licence, engine)
