# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Self-training in rounds: teachers label the pools where they are sure, a student learns from it.

The student of one round teaches the next. Labels of a network are partly wrong, so after every
round the student is held against what it replaces on labelled day frames, and a loss is announced.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from nightseg_ros.files.json_file import write_json
from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.learning.config import load_config
from nightseg_ros.learning.methods import Method
from nightseg_ros.learning.methods.segmentation.config import TrainConfig
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule
from nightseg_ros.learning.methods.segmentation.train import train_network
from nightseg_ros.learning.methods.self_training.config import SelfTrainingConfig, TeacherConfig
from nightseg_ros.learning.methods.self_training.pool_labels import (
    label_pools,
    plain_lists,
    pool_folder,
    report,
    thresholds_by_hand,
)
from nightseg_ros.learning.networks.registry import labels_of, load_checkpoint, save_checkpoint
from nightseg_ros.learning.run_record import clear, kept_result, open_study
from nightseg_ros.learning.source_config import SourceConfig
from nightseg_ros.learning.tensor_set import JoinedSet, Sets, load_sets
from nightseg_ros.learning.validation import Figures, figures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.learning.network_config import NetworkConfig
    from nightseg_ros.learning.tensor_set import Frames


class EmaTeacherModule(SegmentationModule):
    """A segmentation training whose pool views are relabelled by its own running average."""

    pool_from = sys.maxsize
    """Frames from this number on are of pools; none while the base class draws its first views."""

    def __init__(
        self, config: TrainConfig, train: Frames, validation: Sets, thresholds: NDArray[Any]
    ) -> None:
        super().__init__(config, train, validation)
        self.register_buffer("thresholds", torch.from_numpy(thresholds), persistent=False)

    @torch.no_grad()
    def relabel(self, images: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """Return the labels with those of pool frames as the averaged network sees them now."""
        pool = (indices >= self.pool_from).to(images.device)
        if not bool(pool.any()):
            return labels
        scores = self.average(images[pool].contiguous(memory_format=torch.channels_last))
        probability, ids = scores.float().softmax(1).max(1)
        limits = self.get_buffer("thresholds")
        outside = images[pool].sum(1) == 0  # the black around a turned view shows nothing
        ids = torch.where((probability >= limits[ids]) & ~outside, ids, IGNORE)
        labels = labels.clone()
        labels[pool] = ids.to(labels.dtype)
        return labels


def train_self_training(
    config: SelfTrainingConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    """Run the rounds, or what is missing of them; the best model by validation is OUT/model.pt."""
    base = _student(config)
    open_study(out, {"": config, "student": base}, data, resume=resume, may_change=("rounds",))
    sets = load_sets(base.val, data, base.cache, base.label_set)
    if config.watch not in sets:
        raise config.refused(
            f"watch is '{config.watch}'; the student validates on {', '.join(sets)}"
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
        if not resume:
            clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = _run_round(config, base, teachers, folder, data, fast_dev_run)
        found = _measure(str(checkpoint), sets, base)
        history.append({"round": number, "checkpoint": str(checkpoint), **_plain(found)})
        report(f"round {number}: " + compared(standing, found))
        warning = fallen(number, config.watch, standing[config.watch], found[config.watch])
        if warning:
            warnings.append(warning)
            report(f"!!! {warning}")
        standing = found
        teachers = _next_teachers(config, teachers, checkpoint, folder)
        if config.start == "checkpoint":
            base = replace(base, init=str(checkpoint))
    best = max(history, key=lambda row: row["miou"]["mean"])
    if best["round"] == 0:
        warnings.append(f"no round is better than {best['checkpoint']} on the validation sets")
        report(f"!!! {warnings[-1]}")
    network, described, about = load_checkpoint(Path(best["checkpoint"]))
    model = out / "model.pt"
    known = about if isinstance(about, dict) else {}
    about = {**known, "self_training": plain_lists(history)}
    save_checkpoint(model, network, described, about, base.label_set)
    write_json(out / "rounds.json", history)
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
    if type(base) is not TrainConfig:  # a round trains by this method, whatever the recipe names
        raise config.refused(
            f"student {config.student} is a recipe {base.recipe}; name one of segmentation"
        )
    thresholds_by_hand(config, base.label_set)  # refuses classes that there are not
    if config.start == "scratch":
        base = replace(base, init="")
    elif not base.init:
        raise config.refused(
            f"start is checkpoint, but {config.student} has no init; "
            "name one with overrides: [init=FILE], or set start: scratch"
        )
    if not (config.teachers or base.init):
        raise config.refused("there is no teacher; name one in teachers")
    return base


def _run_round(
    config: SelfTrainingConfig,
    base: TrainConfig,
    teachers: tuple[TeacherConfig, ...],
    folder: Path,
    data: str,
    fast_dev_run: bool,
) -> Path:
    """Label the pools, train the student on them, and return its checkpoint."""
    sources = tuple(
        SourceConfig(f"folder:{pool_folder(folder, index)}", pool.weight, pool.relight)
        for index, pool in enumerate(config.pools)
    )
    single = replace(
        base, name=f"{config.name}_{folder.name}", seed=config.seed, train=(*base.train, *sources)
    )
    if kept_result(folder, single, data) is not None:
        return folder / "model.pt"
    thresholds = label_pools(config, base, teachers, folder, data, fast_dev_run)

    def make(single: TrainConfig, train: JoinedSet, validation: Sets) -> SegmentationModule:
        if not config.ema_teacher:
            return SegmentationModule(single, train, validation)
        recipe = EmaTeacherModule(single, train, validation, thresholds)
        recipe.pool_from = sum(len(part) for part in train.parts[: -len(config.pools)])
        return recipe

    train_network(make, single, folder, data, resume=True, fast_dev_run=fast_dev_run)
    return folder / "model.pt"


def _next_teachers(
    config: SelfTrainingConfig, teachers: tuple[TeacherConfig, ...], student: Path, folder: Path
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
    if _shape(described) != _shape(of_student):
        raise config.refused(
            f"next_teacher is mean, but teacher {teachers[0].checkpoint} is "
            "another network than the student; use next_teacher: student or fixed"
        )
    mixed = copy.deepcopy(new)
    state = old.state_dict()
    for name, value in mixed.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(state[name], config.mean_keep)
    path = folder / "next_teacher.pt"
    about = {"mean_of": [teachers[0].checkpoint, str(student)]}
    save_checkpoint(path, mixed, of_student, about, labels_of(student))
    return (TeacherConfig(str(path)),)


def _shape(network: NetworkConfig) -> dict[str, Any]:
    """Return what its weights have to fit: not its drop-out, nor where they came from."""
    kept = network.described()
    return {k: kept[k] for k in kept if k not in ("dropout", "pretrained", "weights")}


def _measure(checkpoint: str, sets: Sets, base: TrainConfig) -> dict[str, Figures]:
    network, _, _ = load_checkpoint(Path(checkpoint))
    return {
        name: figures_of(network, frames, labels, base.test_size, base.label_set)
        for name, (frames, labels) in sets.items()
    }


def compared(before: dict[str, Figures], after: dict[str, Figures]) -> str:
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


METHOD = Method(SelfTrainingConfig, train_self_training)
