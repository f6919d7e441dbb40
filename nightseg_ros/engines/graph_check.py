# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a loaded network is the one that its model.yaml describes, told before it is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nightseg_ros.bundle import Bundle
from nightseg_ros.errors import NightsegError

INPUT = "image"
BATCH = "batch"
"""Name of the first dimension where a model takes any number of images."""

CLASSES_KEY, PRECISION_KEY = "nightseg_classes", "nightseg_precision"
"""Optional metadata of the ONNX file: number of classes, and fp32 / fp16 / int8."""

FREE = ("batch", -1)
"""How libraries write a batch of any size; an engine takes one image."""


def check_graph(
    bundle: Bundle,
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Collection[str],
    metadata: Mapping[str, str],
) -> None:
    """Refuse a graph whose input shapes, outputs or class count are not what model.yaml says."""
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
