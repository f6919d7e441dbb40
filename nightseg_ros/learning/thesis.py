# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The improvement table of the thesis at our scale: every training with every seed.

What is finished is not trained again, so a stopped sweep goes on with the training it was at.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import CITYSCAPES19
from nightseg_ros.learning import selection
from nightseg_ros.learning.config import SourceConfig, TrainConfig, load_config
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.datasets.image_files import read_image, read_label
from nightseg_ros.learning.frame_scores import score_frame
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.pseudo_labels import label_images
from nightseg_ros.learning.sweep_runs import run_single, write_rows
from nightseg_ros.learning.tensor_set import (
    Sets,
    TensorSet,
    expand,
    fit,
    load_sets,
    load_source,
)
from nightseg_ros.learning.thesis_config import UNLABELLED, ThesisConfig, Training
from nightseg_ros.learning.translate import load_generator, translate_image
from nightseg_ros.learning.validation import figures_of

RESULTS = "thesis.csv"
COLUMNS = ("training", "seed", "set", "value", "scale")
CONVERTED, RECALL, NIGHT = "converted", "recall", "@night"
TRANSLATE_SIZE = (136, 240)
Row = dict[str, Any]


def run_thesis(config: ThesisConfig, out: Path, data: str, *, fast_dev_run: bool) -> dict[str, Any]:
    """Run what is missing, and write OUT/thesis.csv with all that is there."""
    sweep = _Sweep(config, out, data, fast_dev_run)
    rows: list[Row] = []
    trainings = config.trainings()
    done, total = 0, len(trainings) * len(config.seeds)
    for seed in config.seeds[:1] if fast_dev_run else config.seeds:
        for training in trainings:
            figures = sweep.run(training, seed)
            done += 1
            told = ", ".join(f"{name} {value:.1f}" for name, value in figures.items())
            print(f"thesis {done}/{total}: {training.name}, seed {seed}: {told}", file=sys.stderr)
            for name, value in figures.items():
                row = (training.name, seed, name, value, sweep.scale)
                rows.append(dict(zip(COLUMNS, row, strict=True)))
            write_rows(out / RESULTS, COLUMNS, rows)
    return {"checkpoint": str(out / RESULTS), "figures": summary(rows), "scale": sweep.scale}


def summary(rows: list[Row]) -> dict[str, str]:
    """Return mean and spread over the seeds of each training and set."""
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(f"{row['training']}, {row['set']}", []).append(float(row["value"]))
    return {
        key: f"{mean(found):.1f} ± {stdev(found) if len(found) > 1 else 0.0:.1f}"
        for key, found in values.items()
    }


class _Sweep:
    """What all trainings share: their recipe, the frames, the selections."""

    def __init__(self, config: ThesisConfig, out: Path, data: str, fast_dev_run: bool) -> None:
        base = load_config(Path(config.base))
        if type(base) is not TrainConfig or not base.val:
            raise NightsegError(
                f"recipe {config.name}: base {config.base} is no segmentation recipe with val sets"
            )
        self.config, self.base, self.out, self.data = config, base, out, data
        self.fast = fast_dev_run
        network, view = base.network, base.view
        self.scale = (
            f"{network.name} x{network.width:g}, {view[1]}x{view[0]}, batch {base.batch}, "
            f"{base.steps} steps (tuning {config.tune_steps})"
        )

    def run(self, training: Training, seed: int) -> dict[str, float]:
        """Return the figures of one training, trained now if it was not before."""
        folder = self._folder(training.name, seed)
        finished = folder / "figures.json"
        if finished.is_file():
            kept: dict[str, float] = json.loads(finished.read_text())
            return kept
        init = str(self._folder(training.init, seed) / "model.pt") if training.init else ""
        steps = self.config.tune_steps if init else self.base.steps
        single = replace(
            self.base,
            name=f"{self.config.name}_{training.name}_{seed}",
            seed=seed,
            init=init,
            loss=training.loss,
            steps=steps,
            val_every=steps,
            monitor="last",
        )
        parts = [self._part(part, training, seed) for part in training.parts]
        validation = self._validation()
        result = run_single(single, folder, self.data, parts, validation, fast_dev_run=self.fast)
        network, _, _ = load_checkpoint(Path(str(result["checkpoint"])))
        figures = {k.removeprefix("miou/"): float(v) for k, v in result["figures"].items()}
        figures[CONVERTED] = figures_of(network, *self._converted(), self.base.test_size).miou
        figures[RECALL] = _recall(network, *self._drivable(), self.base.test_size)
        figures = {name: round(value, 2) for name, value in figures.items()}
        finished.write_text(json.dumps(figures, indent=2) + "\n")
        return figures

    def _folder(self, name: str, seed: int) -> Path:
        return self.out / f"{name}_seed_{seed}"

    def _part(self, part: str, training: Training, seed: int) -> TensorSet:
        if part in ("day", "night", "plain"):
            return self._labelled(part)
        assert part in UNLABELLED
        folder = self._folder(training.name, seed) / part
        network, _, _ = load_checkpoint(self._folder(training.teacher, seed) / "model.pt")
        spec, count = {
            "camvid": (self.config.camvid, 0),
            "all": (self.config.night_pool, self.config.many),
        }.get(part, (f"unlabelled:{self.out / part / 'images'}", 0))
        if part in ("his", "fid"):
            self._select(part)
        images = open_set(expand(spec, self.data))
        if self.fast:
            count = 2
        labelled = label_images(
            network,
            images,
            folder,
            threshold=self.config.threshold,
            max_width=self.config.label_width,
            count=min(count, len(images)),
        )
        for _ in labelled:
            pass
        return load_source(SourceConfig(f"folder:{folder}"), self.data, self.base.cache, seed)

    @lru_cache(maxsize=4)  # noqa: B019  the sweep lives as long as the process
    def _labelled(self, part: str) -> TensorSet:
        first = replace(self.base.train[0], replace=0, translated="")
        if part == "day":
            return load_source(first, self.data, self.base.cache, 0)
        folder = self.config.translated if part == "night" else self.config.without_perceptual
        frames = len(open_set(expand(first.data, self.data)))
        source = replace(first, replace=frames, translated=folder)
        return load_source(source, self.data, self.base.cache, 0)

    @lru_cache(maxsize=1)  # noqa: B019
    def _validation(self) -> Sets:
        return load_sets(self.base.val, self.data, self.base.cache)

    @lru_cache(maxsize=1)  # noqa: B019
    def _converted(self) -> tuple[Tensor, Tensor]:
        """Return the night validation frames as day, and their labels."""
        name = next((name for name in self._validation() if name.endswith(NIGHT)), None)
        if name is None:
            raise NightsegError(f"{self.config.base}: no val set ends in {NIGHT}")
        frames, labels = self._validation()[name]
        generator = load_generator(Path(self.config.night2day))
        made = [
            torch.from_numpy(translate_image(generator, frame.numpy(), TRANSLATE_SIZE))
            for frame in frames
        ]
        return torch.stack(made), labels

    @lru_cache(maxsize=1)  # noqa: B019
    def _drivable(self) -> tuple[Tensor, Tensor]:
        return load_drivable(self.config.recall, self.data, self.base.cache)

    def _select(self, part: str) -> None:
        """Select the images of a part once for all trainings and seeds."""
        folder = self.out / part
        if (folder / "distances.csv").is_file():
            return
        images = open_set(expand(self.config.night_pool, self.data))
        reference = [open_set(f"unlabelled:{expand(self.config.translated, self.data)}")]
        if part == "his":
            distances = list(selection.histogram_distances(images, reference))
        else:
            network, _, _ = load_checkpoint(Path(self.config.features))
            domain = selection.Domain(network, reference, TRANSLATE_SIZE)
            distances = [domain.distance(images.load_image(s)) for s in images.samples]
        ranked = selection.rank(images, distances)
        chosen = selection.choose(ranked, min(self.config.few, len(ranked)), None)
        selection.write_selection(folder, chosen, ranked)


def load_drivable(spec: str, data: str, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the frames and the drivable masks of a set, fitted into `size`."""
    part = open_set(expand(spec, data))
    pairs = [
        (fit(read_image(s.image), size, 0), fit(read_label(s.label), size, 0))
        for s in part.samples
        if s.label is not None
    ]
    images, masks = zip(*pairs, strict=True)
    return torch.stack([torch.from_numpy(x) for x in images]), torch.stack(
        [torch.from_numpy(x) for x in masks]
    )


@torch.inference_mode()
def _recall(
    network: Segmenter, frames: Tensor, drivable: Tensor, test_size: tuple[int, int]
) -> float:
    """Return the share of drivable pixels that are predicted as road, in percent."""
    road = CITYSCAPES19.names.index("road")
    hits = pixels = 0
    for frame, mask in zip(frames, drivable, strict=True):
        scores = score_frame(network, frame, test_size, (mask.shape[0], mask.shape[1]))
        inside = mask == 1
        hits += int((scores.argmax(0)[inside] == road).sum())
        pixels += int(inside.sum())
    return 100 * hits / max(1, pixels)
