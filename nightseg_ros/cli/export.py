# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg export`: a trained checkpoint becomes a model folder that the node can run."""

from __future__ import annotations

import argparse
from pathlib import Path

from nightseg_ros.bundle import SEGMENTATION, TRANSLATION, write_bundle
from nightseg_ros.cli.sizes import image_size
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19

LICENCE = (
    "Code Apache-2.0. Weights trained on BDD100K and CamVid images: research use, non-commercial."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoint", type=Path, help="model.pt or night2day.pt of a training")
    parser.add_argument("--out", type=Path, required=True, help="model folder, as models/NAME")
    parser.add_argument(
        "--route",
        choices=("day", "night"),
        help="which route a segmentation model serves (a translator always serves translate)",
    )
    parser.add_argument(
        "--size", type=image_size, default=(272, 480), help="WxH of the network's input (480x272)"
    )
    parser.add_argument("--licence", default=LICENCE, help="licence of the weights")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Export and write the bundle."""
    from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx
    from nightseg_ros.learning.networks.registry import load_checkpoint, read_checkpoint
    from nightseg_ros.learning.translate import load_generator

    content = read_checkpoint(args.checkpoint)
    about = content.get("about", {})
    if "kind" in content["network"]:
        if args.route:
            raise NightsegError(f"{args.checkpoint} is a translator; leave --route out")
        onnx = translation_onnx(load_generator(args.checkpoint), args.size)
        kind, route, labels = TRANSLATION, "translate", None
    else:
        if not args.route:
            raise NightsegError(
                f"{args.checkpoint} is a segmentation model; give --route day|night"
            )
        network, config, _ = load_checkpoint(args.checkpoint)
        if config.classes != CITYSCAPES19.count:
            raise NightsegError(f"{args.checkpoint} has {config.classes} classes, need 19")
        onnx = segmentation_onnx(network, args.size, config.classes)
        kind, route, labels = SEGMENTATION, args.route, CITYSCAPES19
    bundle = write_bundle(
        args.out,
        onnx,
        name=args.out.name,
        kind=kind,
        route=route,
        height=args.size[0],
        width=args.size[1],
        labels=labels,
        training={"network": dict(content["network"]), **about},
        licence=args.licence,
    )
    return {
        "bundle": str(bundle.path),
        "kind": bundle.kind,
        "route": bundle.route,
        "megabytes": round(len(onnx) / 1e6, 2),
        "sha256": bundle.sha256,
    }


def render(result: dict[str, object]) -> str:
    """Return one line."""
    return "{bundle}: {kind}, route {route}, {megabytes} MB, sha256 {sha256}".format(**result)
