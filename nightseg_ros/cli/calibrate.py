# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg calibrate`: make the confidence of a model the probability that a pixel is right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from nightseg_ros.bundles.bundle import CARD_FILE, YAML_FILE
from nightseg_ros.bundles.routes import DAY
from nightseg_ros.bundles.signature import SUFFIX
from nightseg_ros.bundles.write import rewrite_bundle
from nightseg_ros.cli.options.fields import argument, flag, nested, option
from nightseg_ros.cli.options.models import EngineOptions, one_model
from nightseg_ros.cli.progress import Progress
from nightseg_ros.datasets import open_set
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.text_table import cell, text_table
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.labels.lookup import scored_in
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.replay.confidence_evidence import Relight, gather
from nightseg_ros.replay.confidence_fit import cross_fit, fit
from nightseg_ros.replay.domain_fit import fit_domain, known_to

EXPOSURES = (0.2, 0.06, 0.02)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `nightseg calibrate`."""

    model: str = argument("the segmentation model, by name or folder")
    data: tuple[str, ...] = option(
        "labelled validation sets, by day, dusk and night", metavar="SPEC", nargs="+"
    )
    exposures: tuple[float, ...] = option(
        "light that is left on the darkened copies of frames that are not of the night "
        f"(default: {' '.join(map(str, EXPOSURES))}; none: no copies)",
        EXPOSURES,
        metavar="0..1",
        nargs="*",
    )
    no_relit: bool = flag(
        "fit on no copies relit as night; without torch (extra train) there are none either"
    )
    label_set: str | None = option(
        "label set in which a pixel is right or wrong, by name or its YAML file (default: that of "
        "the model, for the classes of Cityscapes joint11)",
        None,
        metavar="SET",
    )
    engines: EngineOptions = nested(EngineOptions)


def run(options: Options) -> dict[str, object]:
    """Fit on all frames, measure by cross-fitting, write model.yaml."""
    bundle = one_model(options.model)
    if bundle.labels is None:
        raise NightsegError(f"{bundle.name} is a {bundle.kind} model, which has no confidence")
    if any(not 0.0 < exposure < 1.0 for exposure in options.exposures):
        raise NightsegError(
            f"--exposures are {list(options.exposures)}; give values between 0 and 1"
        )
    sets = [open_set(spec) for spec in options.data]
    for part in sets:
        if part.label_set in (None, "drivable"):
            raise NightsegError(f"{part.name} has no class labels; give a labelled set")
    judged = find_label_set(options.label_set) if options.label_set else scored_in(bundle.labels)
    relight = None if options.no_relit else _relight()
    with (
        options.engines.running({bundle.role: bundle}) as engines,
        Progress(sum(map(len, sets)), "frames") as progress,
    ):
        evidence = gather(
            Pipeline(engines, PipelineSettings(route=bundle.route)),
            bundle.labels,
            sets,
            judged,
            exposures=options.exposures,
            relight=relight,
            on_sample=lambda sample: progress.advance(note=sample.name),
        )
    measured = {
        "data": [part.name.rpartition(":")[2] for part in sets],
        "label_set": judged.name,
        "frames": sum(not one.copy for one in evidence),
        "copies": sum(one.copy for one in evidence),
        "relit": relight is not None,
        "not_fitted_on": cross_fit(evidence),
    }
    calibration = replace(fit(evidence), measured=measured)
    known = known_to(evidence, by_night=set(bundle.roles) != {DAY})
    domain = fit_domain(known)
    card = bundle.path / CARD_FILE
    text = card.read_text() if card.is_file() else ""
    rewrite_bundle(bundle, text, calibration=calibration, domain=domain)
    signature = bundle.path / f"{YAML_FILE}{SUFFIX}"
    return {
        "written": str(bundle.path / YAML_FILE),
        "illumination": list(calibration.illumination),
        "temperature": list(calibration.temperature),
        **measured,
        "known_frames": len(known) if domain is not None else 0,
        **({"signature": str(signature)} if signature.exists() else {}),
    }


def render(result: dict[str, Any]) -> str:
    """Return the figures before and after."""
    keys = (
        *("error", "ece_before", "ece", "error_at_80_before", "error_at_80"),
        *("error_at_target", "withheld"),
    )
    rows = [
        [name, str(row["frames"]), *(cell(row[key]) for key in keys)]
        for name, row in result["not_fitted_on"].items()
    ]
    heads = ["%", "frames", "wrong", "ECE", "now", "of surest 80", "now", "at target", "withheld"]
    curve = ", ".join(
        f"{temperature:.2f} at illumination {light:g}"
        for light, temperature in zip(result["illumination"], result["temperature"], strict=True)
    )
    relit = "" if result["relit"] else ", none of them relit"
    lines = [
        text_table(heads, rows),
        f"on frames of drives not fitted on, of {result['frames']}; fitted with "
        f"{result['copies']} night copies of them{relit}",
        "wrong: of all pixels, of the surest 80 %, and of those that target_error 0.05 leaves",
        f"temperature {curve}, and a shift of each class",
        f"novelty by {result['known_frames']} known frames and copies"
        if result["known_frames"]
        else "no novelty: the frames of its lights are too few",
        f"written to {result['written']}",
    ]
    if "signature" in result:
        lines.append(f"{result['signature']} no longer matches: sign model.yaml again")
    return "\n".join(lines)


def _relight() -> Relight | None:
    """Return what relights a frame as night, None where torch is not installed."""
    try:
        from nightseg_ros.learning.relight import relit_copy
    except ImportError:
        return None
    return relit_copy
