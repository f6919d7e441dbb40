# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data select`: the images of a pool that are nearest to a training domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.options.values import data_option
from nightseg_ros.cli.progress import track
from nightseg_ros.datasets.catalog import open_set
from nightseg_ros.datasets.contact_sheet import contact_sheet, save_sheet
from nightseg_ros.errors import NightsegError

SIZE = (136, 240)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg data select`."""

    images: str = option("the pool, as LAYOUT:DIR[:SPLIT]")
    reference: tuple[str, ...] = option("images of the domain", metavar="SPEC", nargs="+")
    by: str = option(
        "distance of the luma histograms, or Frechet distance of a network's features",
        "histogram",
        choices=("histogram", "fid"),
    )
    network: Path | None = option("checkpoint whose features --by fid compares (model.pt)", None)
    count: int = option("take this many, the nearest", 0)
    threshold: float | None = option("take those whose distance is at most this", None)
    out: Path = option("gets images/ (links), distances.csv and the sheets")
    sheet_images: int = option("frames on best.jpg and worst.jpg", 24, metavar="N")
    data: str = data_option()


def run(options: Options) -> dict[str, object]:
    """Measure, choose and write."""
    from nightseg_ros.learning import selection
    from nightseg_ros.learning.tensor_set import expand

    images = open_set(expand(options.images, options.data))
    reference = [open_set(expand(spec, options.data)) for spec in options.reference]
    if options.by == "fid":
        if options.network is None:
            raise NightsegError("--by fid compares features; name a checkpoint with --network")
        from nightseg_ros.learning.networks.registry import load_checkpoint

        domain = selection.Domain(load_checkpoint(options.network)[0], reference, SIZE)
        found: Iterator[float] = (domain.distance(images.load_image(s)) for s in images.samples)
    else:
        found = selection.histogram_distances(images, reference)
    ranked = selection.rank(images, list(track(found, "images", len(images))))
    chosen = selection.choose(ranked, options.count, options.threshold)
    selection.write_selection(options.out, chosen, ranked)
    for name, part in (("best", ranked[: options.sheet_images]), ("worst", ranked[::-1])):
        shown = selection.as_set(images, part[: options.sheet_images], f"{name} by {options.by}")
        save_sheet(options.out / f"{name}.jpg", contact_sheet([shown], options.sheet_images))
    distances = np.array([one.distance for one in ranked])
    return {
        "action": "select",
        "by": options.by,
        "images": len(ranked),
        "chosen": len(chosen),
        "furthest_chosen": round(chosen[-1].distance, 4),
        "median": round(float(np.median(distances)), 4),
        "furthest": round(float(distances[-1]), 4),
        "out": str(options.out),
    }


def render(result: dict[str, Any]) -> str:
    """Return two lines."""
    return (
        f"{result['chosen']} of {result['images']} images by {result['by']}: distance up to "
        f"{result['furthest_chosen']} (median of all {result['median']}, furthest "
        f"{result['furthest']})\nuse them as unlabelled:{result['out']}/images; "
        f"see best.jpg and worst.jpg beside it"
    )
