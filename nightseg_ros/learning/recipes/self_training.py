# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Self-training in rounds: teachers label the pools where they are sure, a student learns from it.

The student of one round teaches the next. Labels of a network are partly wrong, so after every
round the student is held against what it replaces on labelled day frames, and a loss is announced.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import SourceConfig, TrainConfig, load_config
from nightseg_ros.learning.networks.registry import load_checkpoint, save_checkpoint
from nightseg_ros.learning.pool_labels import label_pools, plain_lists, pool_folder, say
from nightseg_ros.learning.recipes.ema_teacher import EmaTeacherRecipe
from nightseg_ros.learning.recipes.segmentation import SegmentationRecipe
from nightseg_ros.learning.self_training_config import SelfTrainingConfig, TeacherConfig
from nightseg_ros.learning.tensor_set import Sets, TensorSet, load_sets
from nightseg_ros.learning.validation import Figures, figures_of


def train_self_training(
    config: SelfTrainingConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Run the rounds, or what is missing of them; the best model by validation is OUT/model.pt."""
    base = _student(config)
    sets = load_sets(base.val, data, base.cache)
    if config.watch not in sets:
        raise NightsegError(
            f"recipe {config.name}: watch is '{config.watch}'; the student validates on "
            f"{', '.join(sets)}"
        )
    if fast_dev_run:
        sets = {name: (frames[:2], labels[:2]) for name, (frames, labels) in sets.items()}
    teachers = config.teachers or (TeacherConfig(base.init),)
    before_path = base.init or teachers[0].checkpoint
    standing = _measure(before_path, sets, base)
    history: list[dict[str, Any]] = [{"round": 0, "checkpoint": before_path, **_plain(standing)}]
    warnings: list[str] = []
    for number in range(1, 1 + (1 if fast_dev_run else config.rounds)):
        folder = out / f"round_{number}"
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = _run_round(config, base, teachers, folder, data, resume, fast_dev_run)
        found = _measure(str(checkpoint), sets, base)
        history.append({"round": number, "checkpoint": str(checkpoint), **_plain(found)})
        say(f"round {number}: " + tell(standing, found))
        warning = fallen(number, config.watch, standing[config.watch], found[config.watch])
        if warning:
            warnings.append(warning)
            say(f"!!! {warning}")
        standing = found
        teachers = _next_teachers(config, teachers, checkpoint, folder)
        if config.start == "checkpoint":
            base = replace(base, init=str(checkpoint))
    best = max(history, key=lambda row: row["miou"]["mean"])
    if best["round"] == 0:
        warnings.append(f"no round is better than {best['checkpoint']} on the validation sets")
        say(f"!!! {warnings[-1]}")
    network, described, about = load_checkpoint(Path(best["checkpoint"]))
    model = out / "model.pt"
    save_checkpoint(
        model, network, described, {**_as_dict(about), "self_training": plain_lists(history)}
    )
    (out / "rounds.json").write_text(json.dumps(history, indent=2) + "\n")
    return {
        "checkpoint": str(model),
        "chosen_round": best["round"],
        "figures": {
            f"round {row['round']}, {kind} {name}": value
            for row in history
            for kind in ("loss", "miou")
            for name, value in row[kind].items()
        },
        "warnings": warnings,
    }


def _student(config: SelfTrainingConfig) -> TrainConfig:
    base = load_config(Path(config.student), config.overrides)
    if not isinstance(base, TrainConfig):
        raise NightsegError(
            f"recipe {config.name}: student {config.student} is no segmentation recipe"
        )
    if config.start == "scratch":
        base = replace(base, init="")
    elif not base.init:
        raise NightsegError(
            f"recipe {config.name}: start is checkpoint, but {config.student} has no init; "
            "name one with overrides: [init=FILE], or set start: scratch"
        )
    if not (config.teachers or base.init):
        raise NightsegError(f"recipe {config.name}: there is no teacher; name one in teachers")
    return base


def _run_round(
    config: SelfTrainingConfig,
    base: TrainConfig,
    teachers: tuple[TeacherConfig, ...],
    folder: Path,
    data: str,
    resume: bool,
    fast_dev_run: bool,
) -> Path:
    """Label the pools, train the student on them, and return its checkpoint."""
    from nightseg_ros.learning.train import run_segmentation

    checkpoint = folder / "model.pt"
    if resume and checkpoint.is_file() and (folder / "result.json").is_file():
        return checkpoint
    thresholds = label_pools(config, base, teachers, folder, data, fast_dev_run)
    sources = tuple(
        SourceConfig(f"folder:{pool_folder(folder, index)}", pool.weight, pool.relight)
        for index, pool in enumerate(config.pools)
    )
    single = replace(
        base, name=f"{config.name}_{folder.name}", seed=config.seed, train=(*base.train, *sources)
    )

    def make(single: TrainConfig, parts: list[TensorSet], validation: Sets) -> SegmentationRecipe:
        from nightseg_ros.learning.tensor_set import join

        if not config.ema_teacher:
            return SegmentationRecipe(single, join(parts), validation)
        recipe = EmaTeacherRecipe(single, join(parts), validation, thresholds)
        recipe.pool_from = sum(len(part) for part in parts[: -len(config.pools)])
        return recipe

    result = run_segmentation(
        single, folder, data, resume=resume, fast_dev_run=fast_dev_run, make=make
    )
    (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return checkpoint


def _next_teachers(
    config: SelfTrainingConfig,
    teachers: tuple[TeacherConfig, ...],
    student: Path,
    folder: Path,
) -> tuple[TeacherConfig, ...]:
    """Return who teaches the round after `folder`."""
    if config.next_teacher == "fixed":
        return teachers
    if config.next_teacher == "student":
        return (TeacherConfig(str(student)),)
    if config.next_teacher == "joined":
        first = config.teachers or teachers[:1]
        return (*first, TeacherConfig(str(student)))
    old, described, _ = load_checkpoint(Path(teachers[0].checkpoint))
    new, of_student, _ = load_checkpoint(student)
    if replace(described, dropout=0.0) != replace(of_student, dropout=0.0):
        raise NightsegError(
            f"recipe {config.name}: next_teacher is mean, but teacher {teachers[0].checkpoint} is "
            "another network than the student; use next_teacher: student or fixed"
        )
    mixed = copy.deepcopy(new)
    state = old.state_dict()
    for name, value in mixed.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(state[name], config.mean_keep)
    path = folder / "next_teacher.pt"
    save_checkpoint(path, mixed, of_student, {"mean_of": [teachers[0].checkpoint, str(student)]})
    return (TeacherConfig(str(path)),)


def _measure(checkpoint: str, sets: Sets, base: TrainConfig) -> dict[str, Figures]:
    network, _, _ = load_checkpoint(Path(checkpoint))
    return {
        name: figures_of(network, frames, labels, base.test_size)
        for name, (frames, labels) in sets.items()
    }


def tell(before: dict[str, Figures], after: dict[str, Figures]) -> str:
    """Return the figures of all sets, before and after, as one line."""
    return "; ".join(
        f"{name}: mIoU {before[name].miou:.2f} -> {after[name].miou:.2f}, "
        f"loss {before[name].loss:.3f} -> {after[name].loss:.3f}"
        for name in after
    )


def fallen(number: int, name: str, before: Figures, after: Figures) -> str:
    """Return a warning if the watched set's mIoU fell or its loss rose, else nothing.

    >>> fallen(1, "day", Figures(0.5, 60.0), Figures(0.6, 61.0))
    'round 1: loss on day ROSE from 0.500 to 0.600'
    """
    found = []
    if after.loss > before.loss:
        found.append(f"loss on {name} ROSE from {before.loss:.3f} to {after.loss:.3f}")
    if after.miou < before.miou:
        found.append(f"mIoU on {name} FELL from {before.miou:.2f} to {after.miou:.2f}")
    return f"round {number}: {' and '.join(found)}" if found else ""


def _plain(figures: dict[str, Figures]) -> dict[str, dict[str, float]]:
    mious = {name: round(found.miou, 2) for name, found in figures.items()}
    mious["mean"] = round(sum(mious.values()) / len(mious), 2)
    return {"miou": mious, "loss": {n: round(found.loss, 4) for n, found in figures.items()}}


def _as_dict(about: Any) -> dict[str, Any]:
    return dict(about) if isinstance(about, dict) else {}
