# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg card`: measure a model on all validation sets and write its card."""

from __future__ import annotations

import argparse
import os
from typing import Any

from nightseg_ros.bundle import CARD_FILE
from nightseg_ros.cli import evaluate
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.card import CARD_SETS, PARITY, render_card, summarise
from nightseg_ros.write_bundle import write_bundle

NOTE_KEY = "note"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg card`."""
    parser.add_argument("model", help="the model, by name or folder")
    parser.add_argument(
        "--behind", metavar="NAME", help="the day model that a translator is measured with"
    )
    parser.add_argument(
        "--data",
        default=os.environ.get("NIGHTSEG_DATA", ""),
        help="folder of the validation images (default: NIGHTSEG_DATA)",
    )
    parser.add_argument("--note", help="a paragraph for the top of the card; kept until changed")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Evaluate on every set, write model.yaml and the card, return the figures."""
    if not args.data:
        raise NightsegError("no validation images are named; give --data DIR or set NIGHTSEG_DATA")
    names = [args.model, *([args.behind] if args.behind else [])]
    (bundle,) = evaluate.load_models([args.model]).values()
    metrics: dict[str, Any] = {}
    for key, (spec, _) in CARD_SETS.items():
        words = ["--data", spec.replace("{data}", args.data), "--model", *names]
        parser = argparse.ArgumentParser()
        evaluate.add_arguments(parser)
        metrics[key] = summarise(evaluate.run(parser.parse_args(words)))
    note = args.note if args.note is not None else str(bundle.metrics.get(NOTE_KEY, ""))
    card = render_card(bundle, metrics, note)
    kept = {key: value for key, value in bundle.metrics.items() if key == PARITY}
    write_bundle(
        bundle.path,
        bundle.read_model(),
        name=bundle.name,
        kind=bundle.kind,
        route=bundle.route,
        height=bundle.height,
        width=bundle.width,
        labels=bundle.labels,
        metrics={**kept, **({NOTE_KEY: note} if note else {}), **metrics},
        training=bundle.training,
        licence=bundle.licence,
        card=card,
    )
    return {"card": str(bundle.path / CARD_FILE), "text": card, "metrics": metrics}


def render(result: dict[str, object]) -> str:
    """Return the card and where it lies."""
    return f"{result['text']}\nwritten to {result['card']}"
