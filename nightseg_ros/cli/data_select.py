# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg data select`: the images of a pool that are nearest to a training domain."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nightseg_ros.cli.progress import track
from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.datasets.contact_sheet import contact_sheet, save_sheet

SIZE = (136, 240)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--images", required=True, help="the pool, as LAYOUT:DIR[:SPLIT]")
    parser.add_argument(
        "--reference", nargs="+", required=True, metavar="SPEC", help="images of the domain"
    )
    parser.add_argument(
        "--by",
        choices=("histogram", "fid"),
        default="histogram",
        help="distance of the luma histograms, or Frechet distance of a network's features",
    )
    parser.add_argument(
        "--network", type=Path, help="checkpoint whose features --by fid compares (model.pt)"
    )
    parser.add_argument("--count", type=int, default=0, help="take this many, the nearest")
    parser.add_argument("--threshold", type=float, help="take those whose distance is at most this")
    parser.add_argument(
        "--out", type=Path, required=True, help="gets images/ (links), distances.csv and the sheets"
    )
    parser.add_argument(
        "--sheet-images", type=int, default=24, metavar="N", help="frames on best.jpg and worst.jpg"
    )
    parser.add_argument(
        "--data", default=os.environ.get("NIGHTSEG_DATA", ""), help="what {data} stands for"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure, choose and write."""
    from nightseg_ros.learning import selection
    from nightseg_ros.learning.tensor_set import expand

    images = open_set(expand(args.images, args.data))
    reference = [open_set(expand(spec, args.data)) for spec in args.reference]
    if args.by == "fid":
        if args.network is None:
            raise NightsegError("--by fid compares features; name a checkpoint with --network")
        from nightseg_ros.learning.networks.registry import load_checkpoint

        domain = selection.Domain(load_checkpoint(args.network)[0], reference, SIZE)
        found: Iterator[float] = (domain.distance(images.load_image(s)) for s in images.samples)
    else:
        found = selection.histogram_distances(images, reference)
    ranked = selection.rank(images, list(track(found, "images", len(images))))
    chosen = selection.choose(ranked, args.count, args.threshold)
    selection.write_selection(args.out, chosen, ranked)
    for name, part in (("best", ranked[: args.sheet_images]), ("worst", ranked[::-1])):
        shown = selection.as_set(images, part[: args.sheet_images], f"{name} by {args.by}")
        save_sheet(args.out / f"{name}.jpg", contact_sheet([shown], args.sheet_images))
    distances = np.array([one.distance for one in ranked])
    return {
        "by": args.by,
        "images": len(ranked),
        "chosen": len(chosen),
        "furthest_chosen": round(chosen[-1].distance, 4),
        "median": round(float(np.median(distances)), 4),
        "furthest": round(float(distances[-1]), 4),
        "out": str(args.out),
    }


def render(result: dict[str, Any]) -> str:
    """Return two lines."""
    return (
        f"{result['chosen']} of {result['images']} images by {result['by']}: distance up to "
        f"{result['furthest_chosen']} (median of all {result['median']}, furthest "
        f"{result['furthest']})\nuse them as unlabelled:{result['out']}/images; "
        f"see best.jpg and worst.jpg beside it"
    )
