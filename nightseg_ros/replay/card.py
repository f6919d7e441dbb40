# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the model card: the training data of a model and its scores per class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.bundle import IMPORTED
from nightseg_ros.bundles.choice import MILLISECONDS
from nightseg_ros.files.text_table import cell, interval
from nightseg_ros.replay.card_confidence import KEPT, confidence_lines
from nightseg_ros.replay.card_training import training_lines

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

CARD_SETS: dict[str, tuple[str, str]] = {
    "bdd_day_val": ("nightseg:{data}:bdd_labelled/val@day", "BDD100K val, day"),
    "bdd_night_val": ("nightseg:{data}:bdd_labelled/val@night", "BDD100K val, night"),
    "bdd_dusk_val": ("nightseg:{data}:bdd_labelled/val@dusk,dark", "BDD100K val, dusk and dark"),
    "camvid_val": ("nightseg:{data}:camvid/val", "CamVid val"),
    "camvid_test_day": ("nightseg:{data}:camvid/test_day", "CamVid test, day"),
    "camvid_test_dusk": ("nightseg:{data}:camvid/test_dusk", "CamVid test, dusk"),
    "acdc_night_val": ("nightseg:{data}/more:acdc_figures/val_night", "ACDC figures, night"),
    "night_drivable_val": ("nightseg:{data}:night_drivable_val", "BDD100K drivable area, night"),
}
"""Key in model.yaml -> the set to evaluate, and its title."""
OPTIONAL = {"acdc_night_val": "more/acdc_figures"}
"""Sets that are left out where this folder of the data is not there."""
_TITLES = {key: title for key, (_, title) in CARD_SETS.items()}

LIMITS = """\
- Rare classes are weak: wall, terrain, rider, truck, bus, train, motorcycle, and small lights and
  signs.
- The night figures of BDD100K are of 7 labelled frames whose dark regions are unlabelled: they
  cover the better-lit pixels only. Read them with their interval and with the drivable recall.
- Bonnet and dashboard of the own car have no class: expect any label there.
- Frames are scaled to {width}x{height}; what is thinner than two pixels there is lost."""

LICENCE_UNKNOWN = "The licence of the weights is not known here: ask whoever trained them."

PARITY = "parity"
"""Key in model.yaml of the export's parity with the network in fp32."""

_KEPT = (
    *("images", "label_set", "miou", "miou_95", "class_accuracy", "pixel_accuracy", "fwiou"),
    *("classes_present", "labelled_share", "drivable_recall", "drivable_recall_95"),
)


def summarise(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of one evaluation for model.yaml."""
    kept = {key: scores[key] for key in _KEPT if key in scores}
    if "per_class" in scores:
        kept["iou"] = {name: row["iou"] for name, row in scores["per_class"].items()}
    if "confidence" in scores:
        kept["confidence"] = {key: scores["confidence"][key] for key in KEPT}
    return kept


def imported_from(training: Mapping[str, Any]) -> list[str]:
    """Return a paragraph on the origin of a model that was trained elsewhere."""
    origin = training.get(IMPORTED)
    if not isinstance(origin, Mapping):
        return []
    norm = origin["normalisation"]
    return [
        f"Imported from `{origin['file']}`, sha256 `{origin['sha256'][:16]}…`. It takes "
        f"`{origin['input']}`: (pixel * {norm['scale']:.6g} - {norm['mean']}) / {norm['std']} in "
        f"{'BGR' if norm['bgr'] else 'RGB'}; its mask comes from `{origin['output']}`, its "
        f"confidence from: {origin['confidence']}. All of that is inside the graph here.",
        "",
    ]


def render_card(
    bundle: Bundle,
    metrics: Mapping[str, Mapping[str, Any]],
    note: str,
    confidence: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return the card as Markdown; `confidence` are the scores of confidences, by set."""
    origin = imported_from(bundle.training)
    scored = sorted({found["label_set"] for found in metrics.values() if "label_set" in found})
    classes = "the joint set of 11 classes"
    if scored not in ([], ["joint11"]):
        classes = f"the classes of {' and '.join(scored)}"
    lines = [f"# {bundle.name}", "", *([note.strip(), ""] if note.strip() else [])]
    routes = f"the {bundle.route} route" + "".join(f" and the {one} route" for one in bundle.also)
    lines += [
        f"A {bundle.kind} model for {routes}, for {bundle.width}x{bundle.height} "
        f"uint8 RGB; sha256 `{bundle.sha256[:16]}…`.",
        "",
        *_parity(bundle.metrics.get(PARITY)),
        *_times(bundle.metrics.get(MILLISECONDS)),
        "## Results",
        "",
        *_summary_table(metrics),
        "",
        *_class_table(metrics),
        "",
        f"Printed by `nightseg card {bundle.name}`. mIoU is over the classes present, in "
        f"{classes}, from one confusion matrix per set at the labels' own size; the interval is a "
        "bootstrap over images.",
        "",
        *confidence_lines(confidence, _TITLES, bundle.calibration),
        *(training_lines(bundle.training) if not origin else [*origin, *_licence(bundle)]),
        "## Limits",
        "",
        (LIMITS.splitlines()[-1] if origin else LIMITS).format(
            width=bundle.width, height=bundle.height
        ),
        "",
    ]
    return "\n".join(lines)


def _licence(bundle: Bundle) -> list[str]:
    return ["## Data and licence", "", bundle.licence or LICENCE_UNKNOWN, ""]


def first_card(
    name: str,
    kind: str,
    route: str,
    size: tuple[int, int],
    parity: Mapping[str, Any],
    training: Mapping[str, Any] | None = None,
) -> str:
    """Return the card of an exported model before its evaluation on the validation sets."""
    return "\n".join(
        [
            f"# {name}",
            "",
            f"A {kind} model for the {route} route, for {size[1]}x{size[0]} uint8 RGB.",
            "",
            *imported_from(training or {}),
            *_parity(parity),
            f"`nightseg card {name}` measures it on the validation sets and completes this card.",
            "",
        ]
    )


def _parity(figures: Mapping[str, Any] | None) -> list[str]:
    """Return a paragraph on the parity of the export, if it was measured."""
    if not figures:
        return []
    parts = [f"{100 * figures['equal_share']:.2f} % of the pixels equal"]
    if "miou" in figures:
        whose = "its masks" if "reference" in figures else "the masks of fp32"
        parts.append(f"mIoU {figures['miou']:.1f} % with {whose} as truth")
    if "miou_truth_difference" in figures:
        parts.append(f"{figures['miou_truth_difference']:+.2f} points of mIoU against labels")
    parts.append(f"{figures['nan_count']} NaN")
    return [
        f"Precision {figures['precision']}. The exported file compared with "
        f"{figures.get('reference', 'the network in fp32')}, on {figures['frames']} frames: "
        f"{', '.join(parts)}.",
        "",
    ]


def _times(milliseconds: Mapping[str, float] | None) -> list[str]:
    """Return a paragraph on the milliseconds of a frame, if they were measured."""
    if not milliseconds:
        return []
    times = ", ".join(f"{ms:.0f} ms on {engine}" for engine, ms in milliseconds.items())
    return [f"A frame takes {times} (`nightseg bench engines`, two processor cores).", ""]


def _summary_table(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        "| set | images | mIoU, % | 95 % interval | class accuracy, % |",
        "|---|---|---|---|---|",
    ]
    for key, (_, title) in CARD_SETS.items():
        figures = metrics.get(key)
        if figures is None:
            continue
        if "drivable_recall" in figures:
            rows.append(
                f"| {title} | {figures['images']} | road recall {figures['drivable_recall']:.1f} "
                f"| {interval(figures.get('drivable_recall_95'))} | |"
            )
        else:
            rows.append(
                f"| {title} | {figures['images']} | {figures['miou']:.1f} "
                f"| {interval(figures.get('miou_95'))} | {figures['class_accuracy']:.1f} |"
            )
    return rows


def _class_table(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    shown = {key: m["iou"] for key, m in metrics.items() if "iou" in m}
    if not shown:
        return []
    heads = " | ".join(CARD_SETS[key][1] for key in shown)
    rows = [f"| IoU, % | {heads} |", "|---|" + "---|" * len(shown)]
    for name in next(iter(shown.values())):
        values = " | ".join(cell(iou.get(name)) for iou in shown.values())
        rows.append(f"| {name} | {values} |")
    return rows
