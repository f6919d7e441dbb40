# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the model folder of an exported or imported network, with its first card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.replay.card import PARITY, first_card

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.export.source import Source


def write_model(
    folder: Path,
    source: Source,
    onnx: bytes,
    figures: Mapping[str, Any],
    also: tuple[str, ...] = (),
    licence: str = "",
) -> Bundle:
    """Write `onnx`, made from `source`, and the `figures` of how equal it is."""
    name = folder.name
    return write_bundle(
        folder,
        onnx,
        name=name,
        kind=source.kind,
        route=source.route,
        height=source.size[0],
        width=source.size[1],
        labels=source.labels,
        metrics={PARITY: dict(figures)},
        training=source.training,
        licence=source.licence or licence,
        also=tuple(route for route in also if route != source.route),
        card=first_card(name, source.kind, source.route, source.size, figures, source.training),
    )
