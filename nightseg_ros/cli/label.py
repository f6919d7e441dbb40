# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg label`: a teacher labels images that nobody has labelled."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import replace
from pathlib import Path

from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--checkpoint", type=Path, required=True, help="the teacher's model.pt")
    parser.add_argument(
        "--images", required=True, help="images as LAYOUT:DIR[:SPLIT]; {data} is the data folder"
    )
    parser.add_argument("--out", type=Path, required=True, help="gets images (a link) and labels/")
    parser.add_argument(
        "--data", default=os.environ.get("NIGHTSEG_DATA", ""), help="what {data} stands for"
    )
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="surer pixels are kept (default 0.5)"
    )
    parser.add_argument(
        "--count", type=int, default=0, help="label this many, spread over the set (default: all)"
    )
    parser.add_argument(
        "--without",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="leave out the images of these folders, as an earlier `nightseg label` wrote them",
    )
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[1.0], help="image scales to average over"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Label the images and return how much was labelled."""
    from nightseg_ros.learning.datasets.catalog import open_set
    from nightseg_ros.learning.networks.registry import load_checkpoint
    from nightseg_ros.learning.pseudo_labels import label_images
    from nightseg_ros.learning.tensor_set import expand

    network, _, _ = load_checkpoint(args.checkpoint)
    images = open_set(expand(args.images, args.data))
    known = _labelled(args.without)
    fresh = tuple(sample for sample in images.samples if sample.image.stem not in known)
    if not fresh:
        raise NightsegError(
            f"--without leaves none of the {len(images)} images; name fewer folders"
        )
    images = replace(images, samples=fresh)
    shares: list[float] = []
    rows = label_images(
        network,
        images,
        args.out,
        threshold=args.threshold,
        scales=tuple(args.scales),
        count=args.count,
    )
    with Progress(args.count or len(images), "images") as progress:
        for name, share in rows:
            shares.append(share)
            progress.advance(note=name)
    new = [share for share in shares if not math.isnan(share)]
    return {
        "images": len(shares),
        "new": len(new),
        "labelled_share": round(sum(new) / len(new), 4) if new else None,
        "out": str(args.out),
    }


def _labelled(folders: list[Path]) -> set[str]:
    """Return the stems of the images that were labelled into these folders."""
    known: set[str] = set()
    for folder in folders:
        stems = {path.stem for path in (folder / "labels").glob("*.png")}
        if not stems:
            raise NightsegError(
                f"--without {folder}: it holds no labels/*.png; name another folder"
            )
        known |= stems
    return known


def render(result: dict[str, object]) -> str:
    """Return one line."""
    return (
        f"{result['images']} images, {result['new']} newly labelled "
        f"(share of pixels {result['labelled_share']}); use them as folder:{result['out']}"
    )
