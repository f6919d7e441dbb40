# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The model card: what a model was trained on, and what it scores, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightseg_ros.bundle import Bundle
from nightseg_ros.evaluation.text_table import cell

CARD_SETS: dict[str, tuple[str, str]] = {
    "bdd_day_val": ("nightseg:{data}:bdd_labelled/val@day", "BDD100K val, day"),
    "bdd_night_val": ("nightseg:{data}:bdd_labelled/val@night", "BDD100K val, night"),
    "bdd_dusk_val": ("nightseg:{data}:bdd_labelled/val@dusk,dark", "BDD100K val, dusk and dark"),
    "camvid_val": ("nightseg:{data}:camvid/val", "CamVid val"),
    "camvid_test_day": ("nightseg:{data}:camvid/test_day", "CamVid test, day"),
    "camvid_test_dusk": ("nightseg:{data}:camvid/test_dusk", "CamVid test, dusk"),
    "night_drivable_val": ("nightseg:{data}:night_drivable_val", "BDD100K drivable area, night"),
}
"""Key in model.yaml -> what to evaluate, and how a person calls it."""

DATA_NOTE = """\
Trained on images of BDD100K (education, research and not-for-profit use) and CamVid
(CC BY-NC 4.0). The weights carry the same limits: research use, non-commercial. No image of
these sets is part of this package."""

LIMITS = """\
- Train, motorcycle, rider and bicycle were too rare in the training frames to be learned; wall,
  terrain, truck, bus and traffic light are weak.
- The night figures stand on 7 labelled frames whose dark regions are unlabelled; they cover the
  better-lit pixels only. Read them with their interval, and beside the drivable recall.
- Bonnet and dashboard of the own car have no class: expect any label there.
- Frames are scaled to {width}x{height}; what is thinner than two pixels there is lost."""

PARITY = "parity"
"""Key in model.yaml of the figures of the export: how close it is to the network in fp32."""

_KEPT = (
    *("images", "label_set", "miou", "miou_95", "class_accuracy", "pixel_accuracy", "fwiou"),
    *("classes_present", "labelled_share", "drivable_recall", "drivable_recall_95"),
)


def summarise(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return what model.yaml keeps of one evaluation."""
    kept = {key: scores[key] for key in _KEPT if key in scores}
    if "per_class" in scores:
        kept["iou"] = {name: row["iou"] for name, row in scores["per_class"].items()}
    return kept


def render_card(bundle: Bundle, metrics: Mapping[str, Mapping[str, Any]], note: str) -> str:
    """Return the card as Markdown."""
    config = bundle.training.get("config", bundle.training)
    lines = [f"# {bundle.name}", "", *([note.strip(), ""] if note.strip() else [])]
    lines += [
        f"A {bundle.kind} model for the {bundle.route} route, for {bundle.width}x{bundle.height} "
        f"uint8 RGB; sha256 `{bundle.sha256[:16]}…`.",
        "",
        *_parity(bundle.metrics.get(PARITY)),
        "## Results",
        "",
        *_summary_table(metrics),
        "",
        *_class_table(metrics),
        "",
        f"Printed by `nightseg card {bundle.name}`. mIoU is over the classes present, in the joint "
        "set of 11 classes, from one confusion matrix per set at the labels' own size; the "
        "interval is a bootstrap over images.",
        "",
        "## Training",
        "",
        f"Recipe `{config.get('name', '')}`, seed {config.get('seed', '')}, "
        f"{config.get('steps', '')} steps of {config.get('batch', '')} frames; the whole recipe is "
        "in model.yaml.",
        "",
        "## Data and licence",
        "",
        DATA_NOTE,
        "",
        "## Limits",
        "",
        LIMITS.format(width=bundle.width, height=bundle.height),
        "",
    ]
    return "\n".join(lines)


def first_card(
    name: str, kind: str, route: str, size: tuple[int, int], parity: Mapping[str, Any]
) -> str:
    """Return the card of a model that was exported and not yet measured on the validation sets."""
    return "\n".join(
        [
            f"# {name}",
            "",
            f"A {kind} model for the {route} route, for {size[1]}x{size[0]} uint8 RGB.",
            "",
            *_parity(parity),
            f"`nightseg card {name}` measures it on the validation sets and completes this card.",
            "",
        ]
    )


def _parity(figures: Mapping[str, Any] | None) -> list[str]:
    """Return a paragraph on the figures that the export wrote, if it wrote any."""
    if not figures:
        return []
    parts = [f"{100 * figures['equal_share']:.2f} % of the pixels equal"]
    if "miou" in figures:
        parts.append(f"mIoU {figures['miou']:.1f} % with the masks of fp32 as truth")
    if "miou_truth_difference" in figures:
        parts.append(f"{figures['miou_truth_difference']:+.2f} points of mIoU against labels")
    parts.append(f"{figures['nan_count']} NaN")
    return [
        f"Precision {figures['precision']}. The exported file beside the network in fp32, on "
        f"{figures['frames']} frames: {', '.join(parts)}.",
        "",
    ]


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
                f"| {_interval(figures.get('drivable_recall_95'))} | |"
            )
        else:
            rows.append(
                f"| {title} | {figures['images']} | {figures['miou']:.1f} "
                f"| {_interval(figures.get('miou_95'))} | {figures['class_accuracy']:.1f} |"
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


def _interval(bounds: Any) -> str:
    return "" if not bounds or None in bounds else f"{bounds[0]:.1f} to {bounds[1]:.1f}"
