# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The shipped models: figures from model.yaml, purpose from doc/models.yaml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from written.markdown import markdown_table

REPOSITORY = Path(__file__).resolve().parents[2]


def model_choice() -> str:
    """Return the table to choose a model by: accuracy beside milliseconds."""
    head = ("model", "for", "day", "night", "road", "ms", "ms, int8")
    models, times = shipped_models()
    return markdown_table(
        head,
        [
            (
                f"`{model['name']}`",
                times[model["name"]]["about"],
                percent(model, "bdd_day_val"),
                percent(model, "bdd_night_val"),
                percent(model, "night_drivable_val", "drivable_recall"),
                milliseconds(model["name"], times, "onnxruntime-cpu"),
                milliseconds(model["name"], times, "openvino-int8"),
            )
            for model in models
        ],
    )


def model_accuracy() -> str:
    """Return the accuracy of each model on all sets."""
    sets = {
        "day": "bdd_day_val",
        "dusk": "bdd_dusk_val",
        "night": "bdd_night_val",
        "CamVid day": "camvid_test_day",
        "CamVid dusk": "camvid_test_dusk",
    }
    return markdown_table(
        ("model", "route", "input", *sets, "road"),
        [
            (
                f"`{model['name']}`",
                model["route"],
                f"{model['input']['width']}x{model['input']['height']}",
                *(percent(model, name) for name in sets.values()),
                percent(model, "night_drivable_val", "drivable_recall"),
            )
            for model in shipped_models()[0]
        ],
    )


def model_times() -> str:
    """Return the milliseconds of each model on all engines that were measured."""
    models, times = shipped_models()
    engines = list(dict.fromkeys(engine for about in times.values() for engine in about["ms"]))
    rows = [
        (f"`{model['name']}`", *(milliseconds(model["name"], times, name) for name in engines))
        for model in models
    ]
    return markdown_table(("model", *(f"`{engine}`" for engine in engines)), rows)


@cache
def shipped_models() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the content of every models/*/model.yaml, and doc/models.yaml with their times."""
    models = [yaml.safe_load(file.read_bytes()) for file in REPOSITORY.glob("models/*/model.yaml")]
    times: dict[str, Any] = yaml.safe_load((REPOSITORY / "doc" / "models.yaml").read_bytes())
    for model in models:
        about = times.setdefault(model["name"], {"about": f"route {model['route']}"})
        about["ms"] = model["metrics"].get("milliseconds", {})
    return sorted(models, key=lambda model: str(model["name"])), times


def percent(model: dict[str, Any], measured_on: str, figure: str = "miou") -> str:
    """Return a figure of a model on a set, where it was measured."""
    value = model["metrics"].get(measured_on, {}).get(figure)
    return "-" if value is None else f"{value:.1f}"


def milliseconds(name: str, times: dict[str, Any], engine: str) -> str:
    """Return the time of a model on an engine, with that of the model behind a translator."""
    about = times.get(name, {"ms": {}})
    if engine not in about["ms"]:
        return "-"
    own = f"{about['ms'][engine]:.0f}"
    return f"{own} + {milliseconds(about['behind'], times, engine)}" if "behind" in about else own
