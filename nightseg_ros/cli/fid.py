# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg fid DIR DIR`: how far two piles of images are apart, as a day model sees them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from nightseg_ros.cli.progress import Progress
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.frechet import Gaussian, bias_note, frechet_distance, split_distance

DEFAULT = Path("runs/erf_pspnet_day/model.pt")
FEWEST = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    for place, what in (("first", "such as translated images"), ("second", "such as real ones")):
        parser.add_argument(
            place, metavar="DIR", help=f"folder of images or LAYOUT:DIR[:SPLIT][@TIME], {what}"
        )
    parser.add_argument(
        "--features",
        type=Path,
        default=DEFAULT,
        metavar="CHECKPOINT",
        help=f"segmentation checkpoint whose last features are compared (default: {DEFAULT})",
    )
    parser.add_argument(
        "--count", type=int, default=0, metavar="N", help="take N images of each (default: all)"
    )
    parser.add_argument(
        "--size", type=image_size, default=(272, 480), help="WxH of the network's input (480x272)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the choice and of the split")
    parser.add_argument(
        "--data", default=os.environ.get("NIGHTSEG_DATA", ""), help="what {data} stands for"
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Compute the distance, and how far halves of the second pile are apart."""
    if not args.features.is_file():
        raise NightsegError(
            f"there is no checkpoint {args.features} to take features from; train one with "
            "`nightseg train config/recipes/erf_pspnet_day.yaml`, or name one with --features"
        )
    from nightseg_ros.learning.datasets.catalog import open_set
    from nightseg_ros.learning.image_features import draw, feature_vectors
    from nightseg_ros.learning.networks.registry import load_checkpoint
    from nightseg_ros.learning.tensor_set import expand

    sets = [open_set(expand(text, args.data)) for text in (args.first, args.second)]
    for text, images in zip((args.first, args.second), sets, strict=True):
        need = max(FEWEST, args.count)
        if len(images) < need:
            raise NightsegError(f"{text} holds {len(images)} images; need {need} or more")
    if args.count:
        if args.count < FEWEST:
            raise NightsegError(f"--count is {args.count}; use {FEWEST} or more")
        sets = [draw(images, args.count, args.seed) for images in sets]
    network, described, _ = load_checkpoint(args.features)
    with Progress(sum(map(len, sets)), "images") as progress:
        first, second = (
            feature_vectors(network, images, args.size, progress.advance) for images in sets
        )
    counts = (len(first), len(second))
    return {
        "fid": frechet_distance(Gaussian.of(first), Gaussian.of(second)),
        "images": list(counts),
        "channels": first.shape[1],
        "network": described.name,
        "features": str(args.features),
        "halves": split_distance(second, args.seed),
        "note": bias_note(counts, first.shape[1]),
    }


def render(result: dict[str, Any]) -> str:
    """Return the distance and what it is worth."""
    first, second = result["images"]
    lines = [
        f"Frechet distance  {result['fid']:.3f}",
        f"images            {first} and {second}",
        f"features          {result['channels']} of {result['network']}, {result['features']}; "
        "not the ImageNet network of published FIDs, so the figures do not compare",
        f"halves            {result['halves']:.3f}, between two random halves of the second: "
        "what nothing measures with half the images",
    ]
    if result["note"]:
        lines.append(f"beware            {result['note']}")
    return "\n".join(lines)
