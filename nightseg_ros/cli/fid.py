# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg fid DIR DIR`: how far two piles of images are apart, as a day model sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.cli.options.fields import argument, option
from nightseg_ros.cli.options.values import data_option, image_size
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.metrics.frechet import Gaussian, bias_note, frechet_distance, split_distance

DEFAULT = Path("runs/erf_pspnet_day/model.pt")
FEWEST = 10
WHAT = "folder of images or LAYOUT:DIR[:SPLIT][@TIME]"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg fid`."""

    first: str = argument(f"{WHAT}, such as translated images", metavar="DIR")
    second: str = argument(f"{WHAT}, such as real ones", metavar="DIR")
    features: Path = option(
        f"segmentation checkpoint whose last features are compared (default: {DEFAULT})",
        DEFAULT,
        metavar="CHECKPOINT",
    )
    count: int = option("take N images of each (default: all)", 0, metavar="N")
    size: tuple[int, int] = option(
        "WxH of the network's input (480x272)", (272, 480), parse=image_size
    )
    seed: int = option("seed of the choice and of the split", 0)
    data: str = data_option()


def run(options: Options) -> dict[str, object]:
    """Compute the distance, and how far halves of the second pile are apart."""
    if not options.features.is_file():
        raise NightsegError(
            f"there is no checkpoint {options.features} to take features from; train one with "
            "`nightseg train config/recipes/erf_pspnet_day.yaml`, or name one with --features"
        )
    from nightseg_ros.datasets.catalog import open_set
    from nightseg_ros.learning.image_features import draw, feature_vectors
    from nightseg_ros.learning.networks.registry import load_checkpoint
    from nightseg_ros.learning.tensor_set import expand

    sets = [open_set(expand(text, options.data)) for text in (options.first, options.second)]
    for text, images in zip((options.first, options.second), sets, strict=True):
        need = max(FEWEST, options.count)
        if len(images) < need:
            raise NightsegError(f"{text} holds {len(images)} images; need {need} or more")
    if options.count:
        if options.count < FEWEST:
            raise NightsegError(f"--count is {options.count}; use {FEWEST} or more")
        sets = [draw(images, options.count, options.seed) for images in sets]
    network, described, _ = load_checkpoint(options.features)
    with Progress(sum(map(len, sets)), "images") as progress:
        first, second = (
            feature_vectors(network, images, options.size, progress.advance) for images in sets
        )
    counts = (len(first), len(second))
    return {
        "fid": frechet_distance(Gaussian.of(first), Gaussian.of(second)),
        "images": list(counts),
        "channels": first.shape[1],
        "network": described.name,
        "features": str(options.features),
        "halves": split_distance(second, options.seed),
        "note": bias_note(counts, first.shape[1]),
    }


def render(result: dict[str, Any]) -> str:
    """Return the distance and its limits."""
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
        lines.append(f"note              {result['note']}")
    return "\n".join(lines)
