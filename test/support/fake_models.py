# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model folders for the fake engine."""

from __future__ import annotations

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.calibration import Calibration
from nightseg_ros.bundles.write import rewrite_bundle, write_bundle
from nightseg_ros.labels.label_set import CITYSCAPES19

KINDS = {
    "day": ("segmentation", "day"),
    "night": ("segmentation", "night"),
    "translator": ("translation", "translate"),
    "fused": ("segmentation", "fused"),
}
USUAL = ("day", "night", "translator")


def write_models(folder, roles=USUAL, labels=CITYSCAPES19, size=(48, 64)):
    """Write a model of each role into `folder` and return it."""
    for role in roles:
        kind, route = KINDS[role]
        write_bundle(
            folder / role,
            f"no network of {role}".encode(),
            name=role,
            kind=kind,
            route=route,
            height=size[0],
            width=size[1],
            labels=labels if kind == "segmentation" else None,
        )
    return folder


def calibrated(folder):
    """Give a model the calibration that leaves confidences as they are, to half a level."""
    plain = Calibration((0.5,), (1.0,), ((0.0,),) * CITYSCAPES19.count)
    return rewrite_bundle(Bundle.load(folder), "", calibration=plain)
