# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Zero-shot adaptation beside what it is compared with: every row of the table with every seed.

All start from the same day model and see the same day frames; night frames are only measured on.
What is finished is not trained again, so a stopped sweep goes on with the training it was at.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.confusion import ConfusionMatrix
from nightseg_ros.evaluation.drivable import DrivableRecall, recall
from nightseg_ros.evaluation.paired import paired_figures
from nightseg_ros.evaluation.scores import miou
from nightseg_ros.labels import CITYSCAPES19
from nightseg_ros.learning.adapt_norm import adapt_batch_norm
from nightseg_ros.learning.config import TrainConfig
from nightseg_ros.learning.darken import load_fixed_exposure
from nightseg_ros.learning.darkening_config import CurveConfig, DarkeningConfig, EnhancementConfig
from nightseg_ros.learning.darkenings import METHODS, MODULE
from nightseg_ros.learning.frame_scores import score_frame
from nightseg_ros.learning.min_max_config import MinMaxConfig
from nightseg_ros.learning.min_max_sweep_config import (
    DARKENING_ALONE,
    LEARNED_GAMMA,
    MinMaxSweepConfig,
    Training,
)
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.networks.translated import Translated
from nightseg_ros.learning.sweep_runs import (
    Counts,
    begin,
    drop_checkpoints,
    keep_counts,
    read_counts,
    run_single,
    single_recipe,
    write_rows,
)
from nightseg_ros.learning.tensor_set import (
    Sets,
    TensorSet,
    load_sets,
    load_source,
)
from nightseg_ros.learning.thesis import COLUMNS, RECALL, load_drivable, summary

RESULTS, ALL, INTERVAL = "min_max.csv", "all", " 95"
BASE = "day"
BOUNDS = ("low", "high", "gain", "gain_low", "gain_high")
ROAD = CITYSCAPES19.names.index("road")
Row = dict[str, Any]


def run_min_max(
    config: MinMaxSweepConfig, out: Path, data: str, *, fast_dev_run: bool
) -> dict[str, Any]:
    """Run what is missing, and write OUT/min_max.csv with all that is there."""
    sweep = _Sweep(config, out, data, fast_dev_run)
    counts: dict[tuple[str, int], Counts] = {}
    rows: list[Row] = []
    done, total = 0, len(config.trainings()) * len(config.seeds)
    for seed in config.seeds[:1] if fast_dev_run else config.seeds:
        for training in config.trainings():
            counts[training.name, seed] = sweep.run(training, seed)
            rows = rows_of(counts, sweep.scale, config.bootstrap)
            done += 1
            told = ", ".join(
                f"{row['set']} {row['value']:.1f}"
                for row in rows
                if (row["training"], row["seed"]) == (training.name, seed)
            )
            print(f"min_max {done}/{total}: {training.name}, seed {seed}: {told}", file=sys.stderr)
            write_rows(out / RESULTS, (*COLUMNS, *BOUNDS), rows)
    by_seed = [row for row in rows if row["seed"] != ALL]
    return {"checkpoint": str(out / RESULTS), "figures": summary(by_seed), "scale": sweep.scale}


def rows_of(counts: Mapping[tuple[str, int], Counts], scale: str, rounds: int) -> list[Row]:
    """Return a row for each training, seed and set, and one over all seeds with its intervals."""
    rows: list[Row] = []
    for name in dict.fromkeys(training for training, _ in counts):
        seeds = [seed for training, seed in counts if training == name]
        for part in counts[name, seeds[0]]:
            measure = recall if part == RECALL else miou
            ours = [counts[name, seed][part] for seed in seeds]
            base = [counts[BASE, seed][part] for seed in seeds]
            for seed, one in zip(seeds, ours, strict=True):
                value = round(100 * float(measure(one.sum(axis=0))), 2)
                rows.append(dict(zip(COLUMNS, (name, seed, part, value, scale), strict=True)))
            found = paired_figures(measure, ours, base, rounds)
            own = (name, ALL, part + INTERVAL, found.pop("value"), scale)
            rows.append({**dict(zip(COLUMNS, own, strict=True)), **found})
    return rows


class _Sweep:
    """What all trainings share: their recipes, the day model, the frames."""

    def __init__(self, config: MinMaxSweepConfig, out: Path, data: str, fast_dev_run: bool) -> None:
        self.config, self.out, self.data, self.fast = config, out, data, fast_dev_run
        self.base: MinMaxConfig = single_recipe(config.name, config.base, MinMaxConfig)
        if not self.base.val or not self.base.init:
            raise NightsegError(
                f"recipe {config.name}: {config.base} must name val sets, and the day model as init"
            )
        self.darkening: DarkeningConfig = self._curve_recipe(config.darkening, DarkeningConfig)
        network, view = self.base.network, self.base.view
        longer = f", {config.ciconv_steps} of ciconv" if config.ciconv_steps else ""
        self.scale = (
            f"{network.name} x{network.width:g}, {view[1]}x{view[0]}, batch {self.base.batch}, "
            f"{self.base.steps} steps{longer}; darkening {self.darkening.steps} steps"
        )

    def run(self, training: Training, seed: int) -> Counts:
        """Return the counts per image of every set, measured now if they were not before."""
        folder = self._folder(training.name, seed)
        finished = folder / "counts.npz"
        kept = read_counts(finished)
        if kept is not None:
            return kept
        folder.mkdir(parents=True, exist_ok=True)
        counts = self._measure(training, self._network(training, seed))
        keep_counts(finished, counts)
        return counts

    def _network(self, training: Training, seed: int) -> Segmenter:
        """Return the network of a row, trained now if it was not before."""
        if training.way in ("plain", "adabn"):
            return load_checkpoint(Path(self.base.init))[0]
        if training.way == "enhanced":
            recipe = self._curve_recipe(self.config.enhancement, EnhancementConfig)
            generator = load_fixed_exposure(self._curves(training.name, recipe, seed))
            return Translated(generator, load_checkpoint(Path(self.base.init))[0]).eval()
        return load_checkpoint(self._train(training, seed))[0]

    def _train(self, training: Training, seed: int) -> Path:
        folder = self._folder(training.name, seed)
        if (folder / "model.pt").is_file():
            return folder / "model.pt"
        single: TrainConfig = self._single(training, seed)
        parts = [self._source(index) for index in range(len(single.train))]
        result = run_single(single, folder, self.data, parts, fast_dev_run=self.fast)
        return Path(str(result["checkpoint"]))

    def _single(self, training: Training, seed: int) -> TrainConfig:
        """Return the recipe of one training."""
        steps, network = self.base.steps, self.base.network
        if training.ciconv:
            steps = self.config.ciconv_steps or steps
            network = replace(network, ciconv=True)
        changes: dict[str, Any] = {
            "name": f"{self.config.name}_{training.name}_{seed}",
            "seed": seed,
            "network": network,
            "steps": steps,
            "val_every": steps,
            "monitor": "last",
        }
        if training.way == "min_max":
            darken = training.darken
            if darken not in METHODS:
                darken = f"{MODULE}:{self._module(darken, seed)}"
            weight = self.base.similarity if training.similarity else 0.0
            return replace(self.base, darken=darken, similarity=weight, **changes)
        plain = {one.name: getattr(self.base, one.name) for one in fields(TrainConfig)}
        return TrainConfig(**{**plain, **changes, "recipe": "segmentation"})

    def _module(self, name: str, seed: int) -> Path:
        """Return the darkening module of this seed that goes by `name` in the table."""
        recipe = replace(self.darkening, day_model=self.base.init)
        if name == DARKENING_ALONE:
            recipe = replace(recipe, similarity=0.0)
        elif name == LEARNED_GAMMA:
            recipe = replace(recipe, curve="gamma")
        return self._curves(name, recipe, seed)

    def _curves(self, name: str, recipe: CurveConfig, seed: int) -> Path:
        """Return the checkpoint of a darkening or brightening module, trained if it is missing."""
        from nightseg_ros.learning.recipes.darkening import train_curves

        folder = self._folder(name, seed)
        checkpoint = folder / f"{recipe.recipe}.pt"
        if not checkpoint.is_file():
            begin(folder, seed)
            assert isinstance(recipe, DarkeningConfig | EnhancementConfig)
            single = replace(recipe, name=f"{self.config.name}_{name}_{seed}", seed=seed)
            train_curves(single, folder, self.data, resume=True, fast_dev_run=self.fast)
            drop_checkpoints(folder)
        return checkpoint

    def _curve_recipe(self, path: str, kind: type[CurveConfig]) -> Any:
        return single_recipe(self.config.name, path, kind, self.config.overrides)

    def _folder(self, name: str, seed: int) -> Path:
        return self.out / f"{name}_seed_{seed}"

    @lru_cache(maxsize=8)  # noqa: B019  the sweep lives as long as the process
    def _source(self, index: int) -> TensorSet:
        return load_source(self.base.train[index], self.data, self.base.cache, 0)

    @lru_cache(maxsize=1)  # noqa: B019
    def _sets(self) -> Sets:
        drivable = load_drivable(self.config.recall, self.data, self.base.cache)
        return {**load_sets(self.base.val, self.data, self.base.cache), RECALL: drivable}

    @torch.no_grad()
    def _measure(self, training: Training, network: Segmenter) -> Counts:
        """Return confusions (images, n, n + 1), and (images, 2) found and drivable pixels."""
        counts: Counts = {}
        for name, (frames, truths) in self._sets().items():
            asked = network
            if training.way == "adabn":
                asked = self._adapted(network, frames)
            matrix = ConfusionMatrix(
                "joint11", truth_labels="cityscapes19", prediction_labels="cityscapes19"
            )
            lanes = DrivableRecall()
            for frame, truth in zip(frames, truths, strict=True):
                size = (truth.shape[0], truth.shape[1])
                scores = score_frame(asked, frame, self.base.test_size, size)
                ids = scores.argmax(0).byte().numpy()
                if name == RECALL:
                    lanes.update(ids == ROAD, truth.numpy() == 1)
                else:
                    matrix.update(truth.numpy(), ids)
            source = lanes if name == RECALL else matrix
            counts[name] = source.compute().per_image
        return counts

    def _adapted(self, network: Segmenter, frames: Tensor) -> Segmenter:
        """Return the network with the batch norms that these very frames ask for."""
        return adapt_batch_norm(network, frames, self.base.test_size)
