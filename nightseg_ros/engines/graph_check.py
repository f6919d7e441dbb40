# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that a loaded network matches its model.yaml, before it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

INPUT = "image"
BATCH = "batch"
"""Name of the first dimension of a model that takes any number of images."""

CLASSES_KEY, PRECISION_KEY = "nightseg_classes", "nightseg_precision"
"""Optional metadata of the ONNX file: number of classes, and fp32 / fp16 / int8."""

FREE = ("batch", -1)
"""How libraries represent a batch of any size; an engine takes one image."""


def check_graph(
    bundle: Bundle,
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Collection[str],
    metadata: Mapping[str, str],
    input_type: str = "uint8",
) -> None:
    """Refuse a graph whose inputs, outputs or class count do not match model.yaml."""
    shapes = {
        name: [1 if index == 0 and side in FREE else side for index, side in enumerate(shape)]
        for name, shape in inputs.items()
    }
    wanted = {INPUT: [1, bundle.height, bundle.width, 3]}
    if shapes != wanted:
        raise NightsegError(
            f"bundle {bundle.name}: the network takes {shapes}, model.yaml promises {wanted}; "
            "export the bundle again"
        )
    if input_type != "uint8":
        raise NightsegError(
            f"bundle {bundle.name}: the network takes {input_type}, need uint8, the bytes of an "
            "image; export the bundle again"
        )
    if missing := sorted(set(bundle.outputs) - set(outputs)):
        raise NightsegError(
            f"bundle {bundle.name}: the network lacks output {', '.join(missing)} "
            f"(it has {', '.join(outputs)}); export the bundle again"
        )
    classes = metadata.get(CLASSES_KEY)
    if classes is not None and bundle.labels is not None and classes != str(bundle.labels.count):
        raise NightsegError(
            f"bundle {bundle.name}: the network has {classes} classes, model.yaml names "
            f"{bundle.labels.count}; put the classes it was trained on in labels"
        )
