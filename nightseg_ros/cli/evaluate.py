# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg evaluate`: model folders on a data set, through the pipeline that the node runs."""

from __future__ import annotations

from typing import Any

from nightseg_ros.bundles.routes import AUTO
from nightseg_ros.cli.evaluate_set import EvaluateOptions, evaluate_set
from nightseg_ros.metrics.drivable import render_recall
from nightseg_ros.report.scores_text import render_confidence, render_scores

Options = EvaluateOptions


def run(options: Options) -> dict[str, object]:
    """Run the models over the set and return their scores."""
    return evaluate_set(options)


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
    if result["withheld"] is not None:
        head.append(f"withheld {100 * result['withheld']:.1f} % of the pixels")
    if "drivable_recall" in result:
        head += ["", render_recall(result)]
    elif "per_class" in result:
        head += ["", render_scores(result), "", render_confidence(result)]
    if "submission" in result:
        head += ["", f"submission of {result['images']} images  {result['submission']}"]
    return "\n".join([*head, *([f"report  {result['report']}"] if "report" in result else [])])
