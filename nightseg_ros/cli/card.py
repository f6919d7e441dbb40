# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg card`: measure a model on all validation sets and write its card."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.bundle import CARD_FILE
from nightseg_ros.bundles.choice import MILLISECONDS
from nightseg_ros.bundles.write import rewrite_bundle
from nightseg_ros.cli.evaluate_set import EvaluateOptions, evaluate_set
from nightseg_ros.cli.options.fields import argument, option
from nightseg_ros.cli.options.models import ModelOptions, one_model
from nightseg_ros.cli.options.values import data_option
from nightseg_ros.errors import NightsegError
from nightseg_ros.replay.card import CARD_SETS, OPTIONAL, PARITY, render_card, summarise

NOTE_KEY = "note"


def _engine_times(text: str) -> tuple[tuple[str, float], ...]:
    """Return kinds of engines, each with the milliseconds that a frame takes on it."""
    times = []
    for word in text.split(","):
        engine, _, value = word.partition("=")
        try:
            milliseconds = float(value)
        except ValueError:
            milliseconds = math.nan
        if not engine or not 0 < milliseconds < math.inf:
            raise argparse.ArgumentTypeError(
                f"'{word}' is no time; write ENGINE=MS, as onnxruntime-cpu=34.0"
            )
        times.append((engine, milliseconds))
    return tuple(times)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg card`."""

    model: str = argument("the model, by name or folder")
    behind: str | None = option(
        "the day model that a translator is measured with", None, metavar="NAME"
    )
    data: str = data_option("folder of the validation images (default: NIGHTSEG_DATA)")
    ms: tuple[tuple[str, float], ...] = option(
        "how long one frame takes on kinds of engines, as `nightseg bench engines` measures it; "
        "kept until changed",
        (),
        parse=_engine_times,
        metavar="ENGINE=MS,...",
    )
    note: str | None = option("a paragraph for the top of the card; kept until changed", None)


def run(options: Options) -> dict[str, object]:
    """Evaluate on every set, write model.yaml and the card, return the figures."""
    if not options.data:
        raise NightsegError("no validation images are named; give --data DIR or set NIGHTSEG_DATA")
    models = ModelOptions(model=(options.model, *([options.behind] if options.behind else [])))
    bundle = one_model(options.model)
    metrics: dict[str, Any] = {}
    confidence: dict[str, Any] = {}
    for key, (spec, _) in CARD_SETS.items():
        if key in OPTIONAL and not (Path(options.data) / OPTIONAL[key]).is_dir():
            continue
        asked = EvaluateOptions(data=spec.replace("{data}", options.data), models=models)
        scores = evaluate_set(asked)
        metrics[key] = summarise(scores)
        if bundle.labels is not None and "confidence" in scores:
            confidence[key] = scores["confidence"]
    note = options.note if options.note is not None else str(bundle.metrics.get(NOTE_KEY, ""))
    card = render_card(bundle, metrics, note, confidence)
    kept = {key: value for key, value in bundle.metrics.items() if key == PARITY}
    times = {**bundle.metrics.get(MILLISECONDS, {}), **dict(options.ms)}
    extra = {**({MILLISECONDS: times} if times else {}), **({NOTE_KEY: note} if note else {})}
    rewrite_bundle(bundle, card, metrics={**kept, **extra, **metrics})
    return {"card": str(bundle.path / CARD_FILE), "text": card, "metrics": metrics}


def render(result: dict[str, object]) -> str:
    """Return the card and its file."""
    return f"{result['text']}\nwritten to {result['card']}"
