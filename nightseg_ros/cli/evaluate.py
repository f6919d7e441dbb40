# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg evaluate`: model folders on a data set, through the pipeline that the node runs."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from nightseg_ros.atomic import write_atomically
from nightseg_ros.bundle import Bundle, default_models_dir, find_bundles
from nightseg_ros.cli.engine_options import add_engine_options, chosen_engines
from nightseg_ros.cli.plain import to_json
from nightseg_ros.cli.progress import Progress
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.drivable import render_recall
from nightseg_ros.evaluation.evaluate import (
    evaluate_drivable,
    evaluate_predictions,
    is_drivable,
    predict_only,
)
from nightseg_ros.evaluation.machine import machine
from nightseg_ros.evaluation.report.pictures import FrameViews
from nightseg_ros.evaluation.scores import render_scores, save_csv
from nightseg_ros.evaluation.set_report import write_set_report
from nightseg_ros.evaluation.set_run import SetRun
from nightseg_ros.evaluation.submission import Submission
from nightseg_ros.labels import LabelSet, label_set
from nightseg_ros.learning.datasets import DrivingSet, Sample, open_set
from nightseg_ros.model_choice import shared_labels
from nightseg_ros.perception.pipeline import Pipeline, PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy
from nightseg_ros.perception.routing_file import with_routing
from nightseg_ros.routes import AUTO, CHOICES, ENGINES_OF, ROUTES, TRANSLATE


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
    parser.add_argument("--route", choices=CHOICES, help="default: what the models given are for")
    parser.add_argument(
        "--routing",
        type=Path,
        metavar="FILE",
        help="what route auto goes by, as `nightseg fit-routing` wrote it",
    )
    parser.add_argument(
        "--label-set", default="joint11", metavar="NAME", help="label set to score in"
    )
    add_engine_options(parser)
    parser.add_argument(
        "--bootstrap", type=int, default=1000, metavar="N", help="rounds for the 95 %% interval"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the bootstrap")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the per-class table")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write report.html, evaluate.json and images.csv",
    )
    parser.add_argument(
        "--submission",
        type=Path,
        metavar="DIR",
        help="write what the test servers of Dark Zurich and ACDC take; the set needs no labels",
    )
    parser.add_argument(
        "--invalid-below",
        type=float,
        default=0.0,
        metavar="0..1",
        help="confidence under which a submission calls a pixel invalid (default: 0, none)",
    )


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run the models over the set and return their scores."""
    dataset = open_set(args.data)
    if dataset.label_set is None and args.submission is None:
        raise NightsegError(f"{args.data} is unlabelled; there is nothing to evaluate against")
    if args.csv is not None and (dataset.label_set is None or is_drivable(dataset)):
        raise NightsegError("only a set with class labels gives a table; leave out --csv")
    for folder in (args.out, args.submission):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise NightsegError(f"{folder} is a file; name a folder")
    bundles = load_models(args.model)
    route = args.route or default_route(bundles)
    used = {r: b for r, b in bundles.items() if route == AUTO or r in ENGINES_OF[route]}
    engines = chosen_engines(used, args)
    try:
        policy = RoutingPolicy()
        if args.routing is not None:
            policy = with_routing(policy, args.routing)
        pipeline = Pipeline(engines, PipelineSettings(route=route, policy=policy))
        labels = shared_labels(used.values())
        submission = None
        if args.submission is not None:
            submission = Submission(args.submission, labels, args.invalid_below)
        set_run = SetRun(pipeline, _views(args, dataset, labels), submission)
        with Progress(len(dataset), "evaluate") as progress:
            scores = _score(args, dataset, set_run, labels.name, progress)
        result: dict[str, Any] = {
            "data": dataset.name,
            "models": {role: bundle.name for role, bundle in used.items()},
            "models_sha256": {role: bundle.sha256 for role, bundle in used.items()},
            "route": route,
            "routes": dict(set_run.routes),
            "engines": {role: asdict(engine.info) for role, engine in engines.items()},
            "median_ms": round(median(times["total"] for times in set_run.times), 2),
            **scores,
        }
    finally:
        for engine in engines.values():
            engine.close()
    if submission is not None:
        result["submission"] = str(submission.close())
    if args.csv is not None:
        save_csv(args.csv, scores)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        result |= {"machine": machine(), "report": str(args.out / "report.html")}
        set_run.write_csv(args.out / "images.csv")
        write_atomically(args.out / "evaluate.json", (to_json(result) + "\n").encode())
        write_set_report(result, set_run, labels, args.out / "report.html")
    return result


def _views(args: argparse.Namespace, dataset: DrivingSet, labels: LabelSet) -> FrameViews | None:
    """Return what draws the pictures of a report, if there is to be one."""
    if args.out is None:
        return None
    if dataset.label_set is None or is_drivable(dataset):
        return FrameViews(labels)
    return FrameViews(labels, (args.label_set, label_set(args.label_set)))


def _score(
    args: argparse.Namespace,
    dataset: DrivingSet,
    set_run: SetRun,
    prediction_labels: str,
    progress: Progress,
) -> dict[str, Any]:
    """Run over the set and return its scores, or the number of images where it has no labels."""

    def seen(sample: Sample) -> None:
        progress.advance()

    predict, look = set_run.predict, set_run.look
    if dataset.label_set is None:
        return {"images": predict_only(dataset, predict, look, seen=seen)}
    if is_drivable(dataset):
        return evaluate_drivable(
            dataset, predict, prediction_labels=prediction_labels, seen=seen, looks=look
        ).to_dict(args.bootstrap, args.seed)
    return evaluate_predictions(
        dataset,
        predict,
        args.label_set,
        prediction_labels=prediction_labels,
        seen=seen,
        looks=look,
    ).to_dict(args.bootstrap, args.seed)


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
    if "drivable_recall" in result:
        head += ["", render_recall(result)]
    elif "per_class" in result:
        head += ["", render_scores(result)]
    if "submission" in result:
        head += ["", f"submission of {result['images']} images  {result['submission']}"]
    return "\n".join([*head, *([f"report  {result['report']}"] if "report" in result else [])])


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
