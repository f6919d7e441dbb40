# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg label`: a teacher model labels unlabelled images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nightseg_ros.cli.options.fields import option
from nightseg_ros.cli.options.values import data_option
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg label`."""

    checkpoint: Path = option("the teacher's model.pt")
    images: str = option("images as LAYOUT:DIR[:SPLIT]; {data} is the data folder")
    out: Path = option("gets images (a link) and labels/", fills=True)
    data: str = data_option()
    threshold: float = option("surer pixels are kept (default 0.5)", 0.5)
    count: int = option("label this many, spread over the set (default: all)", 0)
    without: tuple[Path, ...] = option(
        "leave out the images of these folders, as an earlier `nightseg label` wrote them",
        (),
        metavar="FOLDER",
        nargs="+",
    )
    scales: tuple[float, ...] = option("image scales to average over", (1.0,), nargs="+")


def run(options: Options) -> dict[str, object]:
    """Label the images and return how much was labelled."""
    from nightseg_ros.datasets.catalog import open_set
    from nightseg_ros.learning.networks.registry import labels_of, load_checkpoint
    from nightseg_ros.learning.pseudo_labels import label_images
    from nightseg_ros.learning.tensor_set import expand

    network, _, _ = load_checkpoint(options.checkpoint)
    images = open_set(expand(options.images, options.data))
    known = _labelled(options.without)
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
        options.out,
        threshold=options.threshold,
        scales=tuple(options.scales),
        count=options.count,
        label_set=labels_of(options.checkpoint),
    )
    with Progress(options.count or len(images), "images") as progress:
        for name, share in rows:
            shares.append(share)
            progress.advance(note=name)
    new = [share for share in shares if not math.isnan(share)]
    return {
        "images": len(shares),
        "new": len(new),
        "labelled_share": round(sum(new) / len(new), 4) if new else None,
        "out": str(options.out),
    }


def _labelled(folders: Sequence[Path]) -> set[str]:
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
