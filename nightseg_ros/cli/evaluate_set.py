# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Model folders on a data set, through the pipeline that the node runs, with a progress bar."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from nightseg_ros.bundles.bundle import calibrations
from nightseg_ros.bundles.choice import shared_labels
from nightseg_ros.bundles.routes import CHOICES
from nightseg_ros.cli.options.fields import nested, option
from nightseg_ros.cli.options.models import ROUTE_HELP, EngineOptions, ModelOptions
from nightseg_ros.cli.progress import Progress
from nightseg_ros.datasets import DrivingSet, Sample, open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.machine import machine
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.labels.label_set import LabelSet, label_set
from nightseg_ros.labels.lookup import first_common, scored_in
from nightseg_ros.metrics.confidence import ConfidenceCounts
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.routing import RoutingPolicy, with_routing
from nightseg_ros.replay.evaluate import (
    evaluate_drivable,
    evaluate_predictions,
    is_drivable,
    predict_only,
)
from nightseg_ros.replay.set_report import write_set_report
from nightseg_ros.replay.set_run import SetRun
from nightseg_ros.replay.submission import Submission
from nightseg_ros.report.pictures import FrameViews
from nightseg_ros.report.scores_text import save_csv


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Options of `nightseg evaluate` and `card`."""

    data: str = option(
        "a labelled or drivable set: FOLDER or LAYOUT:FOLDER[:SPLIT][@day,dusk,dark,night]",
        metavar="SPEC",
    )
    models: ModelOptions = nested(ModelOptions)
    route: str | None = option(ROUTE_HELP, None, choices=CHOICES)
    routing: Path | None = option(
        "what route auto goes by, as `nightseg fit-routing` wrote it", None, metavar="FILE"
    )
    label_set: str | None = option(
        "label set to score in, by name or the YAML file of one (default: joint11, or that of "
        "models with other classes than these)",
        None,
        metavar="NAME",
    )
    confidence_threshold: float = option(
        "withhold pixels whose confidence is lower, as the parameter of the node does; they count "
        "as missed (default: 0, none)",
        0.0,
        metavar="0..1",
    )
    engines: EngineOptions = nested(EngineOptions)
    bootstrap: int = option("rounds for the 95 %% interval", 1000, metavar="N")
    seed: int = option("seed of the bootstrap", 0)
    csv: Path | None = option("write the per-class table", None, metavar="FILE")
    out: Path | None = option(
        "write report.html, evaluate.json and images.csv", None, metavar="DIR", fills=True
    )
    submission: Path | None = option(
        "write what the test servers of Dark Zurich and ACDC take; the set needs no labels",
        None,
        metavar="DIR",
        fills=True,
    )
    invalid_below: float = option(
        "confidence under which a submission calls a pixel invalid (default: 0, none)",
        0.0,
        metavar="0..1",
    )


def evaluate_set(options: EvaluateOptions) -> dict[str, object]:
    """Run the models over the set and return their scores."""
    dataset = open_set(options.data)
    if dataset.label_set is None and options.submission is None:
        raise NightsegError(f"{options.data} is unlabelled; there is nothing to evaluate against")
    if options.csv is not None and (dataset.label_set is None or is_drivable(dataset)):
        raise NightsegError("only a set with class labels gives a table; leave out --csv")
    route, bundles = options.models.choose(options.route)
    with options.engines.running(bundles) as engines:
        policy = RoutingPolicy()
        if options.routing is not None:
            policy = with_routing(policy, options.routing)
        labels = shared_labels(bundles.values())
        settings = PipelineSettings(
            route=route, policy=policy, confidence_threshold=options.confidence_threshold
        )
        pipeline = Pipeline(
            engines, settings, classes=labels.count, calibrations=calibrations(bundles)
        )
        scored = _scored(options, dataset, labels)
        submission = None
        if options.submission is not None:
            submission = Submission(options.submission, labels, options.invalid_below)
        counts = None if scored is None else ConfidenceCounts(scored, labels)
        set_run = SetRun(pipeline, _views(options, scored, labels), submission, counts)
        with Progress(len(dataset), "evaluate") as progress:
            scores = _score(options, dataset, scored, set_run, labels, progress)
        result: dict[str, Any] = {
            "data": dataset.name,
            "models": {role: bundle.name for role, bundle in bundles.items()},
            "models_sha256": {role: bundle.sha256 for role, bundle in bundles.items()},
            "route": route,
            "routes": dict(set_run.routes),
            "engines": {role: asdict(engine.info) for role, engine in engines.items()},
            "withheld": set_run.withheld if options.confidence_threshold else None,
            "median_ms": round(median(times["total"] for times in set_run.times), 2),
            **scores,
        }
    if counts is not None:
        result["calibrated"] = sorted(calibrations(bundles))
        result["confidence"] = counts.compute().to_dict()
    if submission is not None:
        result["submission"] = str(submission.close())
    if options.csv is not None:
        save_csv(options.csv, scores)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        result |= {"machine": machine(), "report": str(options.out / "report.html")}
        set_run.write_csv(options.out / "images.csv")
        write_atomically(options.out / "evaluate.json", (to_json(result) + "\n").encode())
        write_set_report(result, set_run, labels, scored, options.out / "report.html")
    return result


def _scored(options: EvaluateOptions, dataset: DrivingSet, labels: LabelSet) -> LabelSet | None:
    """Return the label set to score masks of `labels` in; None where no class is scored."""
    if dataset.label_set is None or is_drivable(dataset):
        return None
    if options.label_set is not None:
        return find_label_set(options.label_set)
    stored = label_set(dataset.label_set)
    return first_common((scored_in(labels), labels, "joint11", stored), stored, labels)


def _views(
    options: EvaluateOptions, scored: LabelSet | None, labels: LabelSet
) -> FrameViews | None:
    """Return what draws the pictures of a report, if there is to be one."""
    if options.out is None:
        return None
    return FrameViews(labels, None if scored is None else (scored, scored))


def _score(
    options: EvaluateOptions,
    dataset: DrivingSet,
    scored: LabelSet | None,
    set_run: SetRun,
    labels: LabelSet,
    progress: Progress,
) -> dict[str, Any]:
    """Run over the set and return its scores, or the number of images where it has no labels."""

    def on_sample(_: Sample) -> None:
        progress.advance()

    predict, record = set_run.predict, set_run.record
    if dataset.label_set is None:
        return {"images": predict_only(dataset, predict, record, on_sample=on_sample)}
    shared: dict[str, Any] = {
        "prediction_labels": labels,
        "on_sample": on_sample,
        "on_evaluated": record,
    }
    if scored is None:
        found: Any = evaluate_drivable(dataset, predict, **shared)
    else:
        found = evaluate_predictions(dataset, predict, scored, **shared)
    scores: dict[str, Any] = found.to_dict(options.bootstrap, options.seed)
    return scores
