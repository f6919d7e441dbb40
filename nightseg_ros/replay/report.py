# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the report of one or many replays from the files in their folders."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nightseg_ros.files.atomic import write_atomically
from nightseg_ros.files.text_table import cell
from nightseg_ros.labels.label_set import LabelSet, label_set
from nightseg_ros.replay.camera_watch import faults_text
from nightseg_ros.replay.charts import latency, light, quality
from nightseg_ros.replay.series import Frames, read_frames
from nightseg_ros.replay.strip import LIMIT, STRIP
from nightseg_ros.replay.trust import trust
from nightseg_ros.report.charts import clock
from nightseg_ros.report.live import live_section
from nightseg_ros.report.page import Card, Chapter, Report, Section, Shot, page, panels, strip
from nightseg_ros.report.parts import accuracy_section, miou_card, what_ran
from nightseg_ros.report.tables import bars, class_legend, table

FRAMES, RESULT, REPORT = "frames.csv", "replay.json", "report.html"
SHOTS = 96
"""Most frames in all strips of a report over many bags."""


def write_replay_report(
    folders: Sequence[Path], file: Path, *, failed: Mapping[str, str] | None = None
) -> None:
    """Write one HTML file for the replays in `folders`; `failed` maps bags to errors."""
    bad = [f"{bag} failed: {reason}" for bag, reason in (failed or {}).items()]
    absent = [folder for folder in folders if not (folder / FRAMES).is_file()]
    bad += [f"{folder} has no {FRAMES}: was it replayed elsewhere?" for folder in absent]
    folders = [folder for folder in folders if folder not in absent]
    several = len(folders) + len(bad) > 1
    shots = max(4, min(LIMIT, SHOTS // max(1, len(folders))))
    results = [json.loads((folder / RESULT).read_text(encoding="utf-8")) for folder in folders]
    names = _names(results)
    chapters = [
        _chapter(folder, result, names[i], f"strip{i + 1}", shots)
        for i, (folder, result) in enumerate(zip(folders, results, strict=True))
    ]
    if several or not chapters:
        report = Report(
            f"Replay of {len(folders) + len(bad)} bags",
            f"{sum(result['frames'] for result in results)} frames of {_count(len(folders))}.",
            bad,
            _pooled(results),
            [_overview(results, names)] if results else [],
            chapters,
        )
    else:
        report = Report(chapters[0].title, chapters[0].lead, chapters=chapters)
    write_atomically(file, page(report).encode())


def _chapter(
    folder: Path, result: Mapping[str, Any], name: str, strip_name: str, shots: int
) -> Chapter:
    pictures = _pictures(folder / STRIP)
    picked = [list(pictures)[i] for i in _spread(len(pictures), shots)]
    variants = list(result["variants"])
    frames = read_frames(folder / FRAMES, variants, frozenset(picked))
    labels = LabelSet.from_dict({"name": result["labels"], "classes": result["classes"]})
    scores = {v: f["scores"] for v, f in result["variants"].items() if f["scores"]}
    sections = []
    views = [_shot(frames, i, pictures[i], result) for i in picked if i in frames.rows]
    if views:
        sections.append(
            Section(
                "Frames",
                strip(strip_name, views, class_legend(labels)),
                _strip_note(variants, result),
            )
        )
    if result["frames"]:
        sections.append(light(frames, result))
    if result.get("live"):
        sections.append(live_section(result["live"]))
    if result["frames"]:
        sections.append(latency(frames, result))
    if scores:
        truth = ", ".join(result["gt"])
        described = result.get("scored")  # results of earlier versions have only its name
        known = next(iter(scores.values()))["label_set"]
        scored = LabelSet.from_dict(described) if described else label_set(known)
        sections.append(accuracy_section(scores, scored, f"against {truth}", "stretches"))
    if result["agreement"]:
        rows = {pair.replace("-", " and "): share for pair, share in result["agreement"].items()}
        sections.append(
            Section(
                "Agreement between the routes",
                panels(bars(rows)),
                "Share of the pixels to which two routes assign the same class, over all frames.",
            )
        )
    if result["frames"]:
        sections.append(quality(frames, result))
        if result.get("faults") is not None:  # results of earlier versions have none
            sections.append(trust(frames, result))
    sections.append(what_ran(result))
    return Chapter(
        result.get("title") or f"Replay of {name}",
        _lead(result, frames),
        _notes(result),
        _cards(result, frames),
        sections,
    )


def _count(recordings: int) -> str:
    return f"{recordings} recording{'' if recordings == 1 else 's'}"


def _lead(result: Mapping[str, Any], frames: Frames) -> str:
    seconds = (frames.end_ns - frames.start_ns) / 1e9
    cameras = len(result["topics"])
    route = "all routes on the same frames"
    if len(result["variants"]) == 1:
        route = f"route {result['route']}"
    return (
        f"{result['frames']} frames of {cameras} camera{'s' if cameras != 1 else ''} over "
        f"{clock(seconds)}, {route}."
    )


def _notes(result: Mapping[str, Any]) -> list[str]:
    notes = list(result.get("notes") or ())
    if result["stopped"]:
        notes.append(f"The replay stopped {result['stopped']['text']}.")
    if result["failed"]:
        first = result["failures"][0]
        notes.append(
            f"{result['failed']} frames could not be read; the first is {first['index']} on "
            f"{first['topic']}: {first['error']}."
        )
    if result.get("faults"):
        notes.append(f"Camera faults, see Trust: {faults_text(result['faults'])}.")
    for role, info in result["engines"].items():
        if info["fallback_reason"]:
            notes.append(f"The {role} model runs on {info['provider']}: {info['fallback_reason']}.")
    return notes


def _cards(result: Mapping[str, Any], frames: Frames) -> list[Card]:
    name, main = list(result["variants"].items())[-1]
    seconds = (frames.end_ns - frames.start_ns) / 1e9
    rate = f", {result['frames'] / seconds:.1f} per second" if seconds > 0 else ""
    cards = [Card("frames", str(result["frames"]), f"{clock(seconds)} of recording{rate}")]
    if main["scores"] and not result.get("rendered"):  # those say little about real roads
        cards.append(miou_card(name, main["scores"]))
    ms = main["latency_ms"]
    if ms:
        note = f"median of {name}; p95 {ms['p95']:.0f}, p99 {ms['p99']:.0f} ms"
        cards.append(Card("latency of a frame", f"{ms['p50']:.1f} ms", note))
    routes = main["routes"]
    if len(routes) > 1 or name == "auto":
        whole = max(1, sum(routes.values()))
        taken = ", ".join(f"{route} {100 * n / whole:.0f} %" for route, n in routes.items())
        cards.append(Card("route changes", str(main["route_changes"]), taken or "no frame"))
    if result["agreement"]:
        pair, share = min(result["agreement"].items(), key=lambda item: item[1])
        note = f"of the pixels have the same class in {pair.replace('-', ' and ')}"
        cards.append(Card("least agreement", f"{100 * share:.1f} %", note))
    if main["flicker_mean"] is not None:
        note = f"of the pixels of {name} change their class, motion aside"
        cards.append(Card("flicker", f"{100 * main['flicker_mean']:.1f} %", note))
    if main["confidence_mean"] is not None:
        note = f"mean over all pixels of {name}"
        cards.append(Card("confidence", f"{100 * main['confidence_mean']:.1f} %", note))
    if result["engine_share"] is not None:
        note = f"{100 * result['engine_share']:.0f} % of the time inside the engine"
        cards.append(Card("replayed at", f"{result['frames_per_s']:.1f} frames/s", note))
    return cards


def _pooled(results: Sequence[Mapping[str, Any]]) -> list[Card]:
    frames = sum(result["frames"] for result in results)
    cards = [Card("recordings", str(len(results)), f"{frames} frames")]
    stopped = sum(result["stopped"] is not None for result in results)
    if stopped:
        cards.append(Card("damaged", str(stopped), "replayed up to the damage"))
    changes = [list(result["variants"].values())[-1]["route_changes"] for result in results]
    if changes:
        cards.append(Card("route changes", str(sum(changes)), f"at most {max(changes)} in one"))
    return cards


def _overview(results: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Section:
    rows = []
    for result, name in zip(results, names, strict=True):
        variant, main = list(result["variants"].items())[-1]
        ms, scores, flicker = main["latency_ms"] or {}, main["scores"] or {}, main["flicker_mean"]
        rows.append(
            [
                f"{name}{' (damaged)' if result['stopped'] else ''}",
                variant,
                result["frames"],
                *(f"{ms[key]:.1f}" if key in ms else "-" for key in ("p50", "p95")),
                cell(scores.get("miou")),
                cell(None if flicker is None else 100 * flicker),
                main["route_changes"],
            ]
        )
    header = ["recording", "route", "frames", "ms p50", "p95", "mIoU", "flicker %", "changes"]
    return Section("All recordings", panels(table(header, rows, wide=(1, 4, 6))))


def _pictures(folder: Path) -> dict[int, dict[str, Path]]:
    """Return frame -> name -> file."""
    found: dict[int, dict[str, Path]] = defaultdict(dict)
    for file in sorted(folder.glob("[0-9]*_*")):
        index, _, name = file.stem.partition("_")
        found[int(index)][name] = file
    return dict(found)


def _shot(frames: Frames, index: int, files: Mapping[str, Path], result: Mapping[str, Any]) -> Shot:
    row = frames.rows[index]
    main = list(result["variants"])[-1]
    at = (int(row["bag_ns"]) - frames.start_ns) / 1e9
    seconds = (frames.end_ns - frames.start_ns) / 1e9
    facts = {"illumination": f"{float(row['illumination']):.2f}"}
    for name in ("confidence", "unsure", "flicker"):
        if row.get(f"{main}_{name}"):
            facts[name] = f"{100 * float(row[f'{main}_{name}']):.1f} %"
    if row[f"{main}_accuracy"]:
        facts["pixels right"] = f"{100 * float(row[f'{main}_accuracy']):.1f} %"
    if row.get("faults"):
        facts["camera fault"] = row["faults"].replace(" ", ", ")
    facts["latency"] = f"{float(row[f'{main}_total_ms']):.0f} ms"
    if len(result["topics"]) > 1:
        facts["camera"] = row["topic"]
    facts["frame"] = str(index)
    return Shot(
        clock(at, seconds),
        {name: (file.suffix[1:], file.read_bytes()) for name, file in files.items()},
        facts,
        row[f"{main}_route"],
        at / seconds if seconds > 0 else 0.0,
    )


def _strip_note(variants: Sequence[str], result: Mapping[str, Any]) -> str:
    parts = []
    if len(variants) > 1:
        parts.append(f"Mask and overlay are those of route {variants[-1]}.")
        parts.append("Orange marks pixels to which the routes assign different classes")
        parts[-1] += ", or a wrong class." if result["gt"] else "."
    return " ".join([*parts, "The line in the charts below follows the slider."])


def _spread(have: int, want: int) -> list[int]:
    """Return `want` positions of `have`, evenly spaced."""
    return sorted({int(i) for i in np.linspace(0, have - 1, min(have, want)).round()})


def _names(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the bags, with their folders where names alone are ambiguous."""
    paths = [Path(result["bag"]) for result in results]
    names = [path.name for path in paths]
    longer = [f"{path.parent.name}/{path.name}" for path in paths]
    return [
        name if names.count(name) == 1 else long if longer.count(long) == 1 else str(path)
        for name, long, path in zip(names, longer, paths, strict=True)
    ]
