# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg evaluate`: model folders on a data set, through the pipeline that the node runs."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundle import Bundle, default_models_dir, find_bundles
from nightseg_ros.cli.progress import Progress
from nightseg_ros.engines.select import ENGINES, create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.drivable import render_recall
from nightseg_ros.evaluation.evaluate import evaluate_drivable, evaluate_predictions, is_drivable
from nightseg_ros.evaluation.scores import render_scores, save_csv
from nightseg_ros.learning.datasets import Sample, open_set
from nightseg_ros.perception.pipeline import ENGINES_OF, Pipeline, PipelineSettings
from nightseg_ros.perception.routing import AUTO, ROUTES, TRANSLATE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `nightseg evaluate`."""
    parser.add_argument(
        "--data",
        required=True,
        metavar="SPEC",
        help="a labelled or drivable set: FOLDER or LAYOUT:FOLDER[:SPLIT][@day,dusk,dark,night]",
    )
    parser.add_argument(
        "--model",
        required=True,
        nargs="+",
        metavar="NAME",
        help="one or more models by name, or by folder; --route translate takes a translator and "
        "a day model, --route auto takes all that it may choose from",
    )
    parser.add_argument(
        "--route", choices=(*ROUTES, AUTO), help="default: what the models given are for"
    )
    parser.add_argument(
        "--label-set", default="joint11", metavar="NAME", help="label set to score in"
    )
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="what runs the models")
    parser.add_argument("--threads", type=int, default=0, help="engine threads; 0: one per core")
    parser.add_argument(
        "--bootstrap", type=int, default=1000, metavar="N", help="rounds for the 95 %% interval"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the per-class table")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run the models over the set and return their scores."""
    dataset = open_set(args.data)
    if dataset.label_set is None:
        raise NightsegError(f"{args.data} is unlabelled; there is nothing to evaluate against")
    drivable = is_drivable(dataset)
    if drivable and args.csv is not None:
        raise NightsegError("a drivable set gives one figure, no table; leave out --csv")
    bundles = load_models(args.model)
    route = args.route or default_route(bundles)
    engines = {
        role: create_engine(bundle, args.engine, threads=args.threads)
        for role, bundle in bundles.items()
        if route == AUTO or role in ENGINES_OF[route]
    }
    try:
        pipeline = Pipeline(engines, PipelineSettings(route=route))
        labels = common_labels([b for role, b in bundles.items() if role in engines])
        taken: Counter[str] = Counter()
        times: list[float] = []

        def predict(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
            result = pipeline.process(image, "rgb")
            pipeline.forget("")  # frames of a set are no video: each chooses its route afresh
            taken[result.route] += 1
            times.append(result.times_ms["total"])
            return result.mask

        with Progress(len(dataset), "evaluate") as progress:

            def seen(sample: Sample) -> None:
                progress.advance()

            scores: dict[str, Any]
            if drivable:
                recall = evaluate_drivable(dataset, predict, prediction_labels=labels, seen=seen)
                scores = recall.to_dict(args.bootstrap, args.seed)
            else:
                scores = evaluate_predictions(
                    dataset, predict, args.label_set, prediction_labels=labels, seen=seen
                ).to_dict(args.bootstrap, args.seed)
        info = {role: asdict(engine.info) for role, engine in engines.items()}
    finally:
        for engine in engines.values():
            engine.close()
    if args.csv is not None:
        save_csv(args.csv, scores)
    return {
        "data": dataset.name,
        "models": {role: bundles[role].name for role in engines},
        "route": route,
        "routes": dict(taken),
        "engines": info,
        "median_ms": round(median(times), 2),
        **scores,
    }


def render(result: dict[str, Any]) -> str:
    """Return the scores as text, under what was run on what."""
    models = ", ".join(f"{name} ({role})" for role, name in result["models"].items())
    routes = ", ".join(f"{route} {count}" for route, count in result["routes"].items())
    info = next(iter(result["engines"].values()))
    head = [
        f"data    {result['data']}",
        f"models  {models}",
        f"route   {result['route']}" + (f" ({routes})" if result["route"] == AUTO else ""),
        f"engine  {info['backend']} on {info['provider']}, {info['precision']}, "
        f"median {result['median_ms']:.1f} ms a frame",
    ]
    scores = render_recall(result) if "drivable_recall" in result else render_scores(result)
    return "\n".join([*head, "", scores])


def load_models(names: list[str]) -> dict[str, Bundle]:
    """Return role -> bundle for models given by name or by folder."""
    bundles: dict[str, Bundle] = {}
    for name in names:
        folder = Path(name)
        if not (folder / "model.yaml").is_file():
            folder = default_models_dir() / name
        if not (folder / "model.yaml").is_file():
            known = ", ".join(path.name for path in find_bundles(default_models_dir())) or "none"
            raise NightsegError(
                f"model '{name}' is neither a folder with a model.yaml nor a model in "
                f"{default_models_dir()}, which holds: {known}"
            )
        bundle = Bundle.load(folder)
        if bundle.role in bundles:
            raise NightsegError(
                f"{bundles[bundle.role].name} and {bundle.name} are both for '{bundle.role}'; "
                "give one of them"
            )
        bundles[bundle.role] = bundle
    return bundles


def default_route(bundles: dict[str, Bundle]) -> str:
    """Return the only route that uses all the models, else auto."""
    for route in ROUTES:
        if set(ENGINES_OF[route]) == set(bundles):
            return route
    if set(bundles) == {"translator"}:
        raise NightsegError(f"route {TRANSLATE} needs a day model behind the translator; name both")
    return AUTO


def common_labels(bundles: list[Bundle]) -> str:
    """Return the label set of the masks, which all segmenters must share."""
    names = {bundle.labels.name for bundle in bundles if bundle.labels is not None}
    if len(names) != 1:
        listed = ", ".join(sorted(names)) or "none"
        raise NightsegError(f"the models must give masks in one label set; theirs are {listed}")
    return names.pop()
