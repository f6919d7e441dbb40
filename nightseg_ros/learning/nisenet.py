# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All parts of NiSeNet and what they are compared with, trained with several seeds and measured.

What is finished is not trained again, so a stopped sweep goes on with the training it was at. Some
labelled frames are held out of all channels: the fusion and the temperatures are fitted on these.
Validation frames are looked at only when all trainings of a seed are done.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.confusion import ConfusionMatrix
from nightseg_ros.evaluation.nisenet_rows import CONTROLS, ROWS
from nightseg_ros.learning.adversarial_config import AdversarialConfig
from nightseg_ros.learning.config import SourceConfig, TrainConfig
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.frame_scores import score_frame
from nightseg_ros.learning.networks.patch_fusion import better_channel, cut, spread
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.networks.segmenter import Segmenter
from nightseg_ros.learning.nisenet_config import FusionConfig, NisenetConfig
from nightseg_ros.learning.nisenet_results import summary, write_results
from nightseg_ros.learning.pixel_fusion import fuse_pixels
from nightseg_ros.learning.recipes.adversarial import load_target, train_adversarial
from nightseg_ros.learning.recipes.nisenet_fusion import (
    Fusion,
    load_fusion,
    train_fusion,
)
from nightseg_ros.learning.sweep_runs import (
    Counts,
    begin,
    drop_checkpoints,
    keep_counts,
    read_counts,
    run_single,
    single_recipe,
)
from nightseg_ros.learning.tensor_set import (
    Sets,
    TensorSet,
    expand,
    join,
    load_sets,
    load_source,
)


def run_nisenet(
    config: NisenetConfig, out: Path, data: str, *, fast_dev_run: bool
) -> dict[str, Any]:
    """Run what is missing, and write OUT/nisenet.csv with all that is there."""
    sweep = _Sweep(config, out, data, fast_dev_run)
    results = out / "nisenet.csv"
    counts: dict[int, Counts] = {}
    rows: list[dict[str, Any]] = []
    for seed in config.seeds[:1] if fast_dev_run else config.seeds:
        counts[seed] = sweep.run(seed)
        rows = write_results(results, counts, sweep.scale, config.rounds)
        for line in summary(rows, seed):
            _say(line)
    return {"checkpoint": str(results), "figures": summary_figures(rows), "scale": sweep.scale}


def summary_figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the mean over all seeds of each row and set."""
    return {f"{row['row']}, {row['set']}": row["miou"] for row in rows if row["seed"] == "all"}


class _Sweep:
    """What all trainings share: their recipes, the frames, and where things lie."""

    def __init__(self, config: NisenetConfig, out: Path, data: str, fast_dev_run: bool) -> None:
        self.config, self.out, self.data, self.fast = config, out, data, fast_dev_run
        self.real = single_recipe(config.name, config.real, TrainConfig)
        self.adaptive = single_recipe(config.name, config.adaptive, AdversarialConfig)
        self.adaptsegnet = single_recipe(config.name, config.adaptsegnet, AdversarialConfig)
        self.fusion = single_recipe(config.name, config.fusion, FusionConfig)
        if not self.real.val:
            raise NightsegError(f"recipe {config.name}: {config.real} has no val sets")
        network, view = self.real.network, self.real.view
        self.scale = (
            f"{network.name} x{network.width:g}, {view[1]}x{view[0]}, batch {self.real.batch}, "
            f"{self.real.steps} steps; fusion x{self.fusion.width:g}, {self.fusion.steps} steps; "
            f"{config.held_out} frames held out"
        )

    def run(self, seed: int) -> Counts:
        """Return the counts (images, n, n + 1) of every row and set, by "row/set"."""
        folder = self.out / f"seed_{seed}"
        finished = folder / "counts.npz"
        kept = read_counts(finished)
        if kept is not None:
            return kept
        trainings: dict[str, TrainConfig] = {
            "real": self.real,
            "adaptive": self.adaptive,
            "adaptsegnet": self.adaptsegnet,
        }
        if self.config.controls:
            trainings["deeplab"] = replace(self.real, loss="ce")
            trainings["synthetic"] = replace(
                self.real, train=self.adaptive.train, loss=self.adaptive.loss
            )
        networks = {name: self._train(name, one, seed) for name, one in trainings.items()}
        fusion = self._fuse(seed)
        counts = self._measure(networks, fusion)
        keep_counts(finished, counts)
        return counts

    def _train(self, name: str, base: TrainConfig, seed: int) -> Segmenter:
        """Return one network, trained now if it was not before."""
        folder = self.out / f"seed_{seed}" / name
        model = folder / "model.pt"
        if not (folder / "result.json").is_file():
            _say(f"seed {seed}: trains {name}")
            sources = tuple(self._channel_source(source) for source in base.train)
            single = replace(
                base,
                name=f"{self.config.name}_{name}_{seed}",
                seed=seed,
                train=sources,
                val=(),
                val_every=base.steps,
                monitor="last",
            )
            parts = [self._load(source, base.cache, seed) for source in sources]
            if isinstance(single, AdversarialConfig):
                begin(folder, seed)
                result = train_adversarial(
                    single,
                    folder,
                    self.data,
                    resume=True,
                    fast_dev_run=self.fast,
                    loaded=(parts, {}),
                    target=self._target(single.target, single.target_count, single.cache),
                )
            else:
                result = run_single(single, folder, self.data, parts, fast_dev_run=self.fast)
            drop_checkpoints(folder)
            (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        return load_checkpoint(model)[0]

    def _fuse(self, seed: int) -> Fusion:
        """Return the fusion of this seed's channels, trained on the frames held out of them."""
        folder = self.out / f"seed_{seed}" / "fusion"
        if not (folder / "result.json").is_file():
            _say(f"seed {seed}: trains the fusion")
            begin(folder, seed)
            channels = {
                key: str(self.out / f"seed_{seed}" / key / "model.pt")
                for key in ("real", "adaptive")
            }
            sources = tuple(
                replace(source, skip=self._frames(source.data) - self.config.held_out, count=0)
                for source in self.fusion.train
            )
            single = replace(self.fusion, train=sources, val=(), seed=seed, **channels)
            result = train_fusion(
                single,
                folder,
                self.data,
                resume=True,
                fast_dev_run=self.fast,
                frames=join([self._load(source, single.size, seed) for source in sources]),
            )
            drop_checkpoints(folder)
            (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        return load_fusion(folder / "model.pt")

    def _channel_source(self, source: SourceConfig) -> SourceConfig:
        return replace(source, count=self._frames(source.data) - self.config.held_out, skip=0)

    @lru_cache(maxsize=8)  # noqa: B019  the sweep lives as long as the process
    def _frames(self, spec: str) -> int:
        frames = len(open_set(expand(spec, self.data)))
        if frames <= self.config.held_out:
            raise NightsegError(
                f"recipe {self.config.name}: held_out is {self.config.held_out}, but {spec} has "
                f"{frames} frames; hold out fewer"
            )
        return frames

    @lru_cache(maxsize=8)  # noqa: B019
    def _load(self, source: SourceConfig, size: tuple[int, int], seed: int) -> TensorSet:
        if source.translated:  # every frame of the source is a night one
            source = replace(source, replace=self._frames(source.data))
        return load_source(source, self.data, size, seed)

    @lru_cache(maxsize=2)  # noqa: B019
    def _target(self, specs: tuple[str, ...], count: int, cache: tuple[int, int]) -> Tensor:
        config = replace(self.adaptive, target=specs, target_count=count, cache=cache, seed=0)
        return load_target(config, self.data)

    @lru_cache(maxsize=1)  # noqa: B019
    def _validation(self) -> Sets:
        return load_sets(self.real.val, self.data, self.fusion.size)

    def _measure(self, networks: dict[str, Segmenter], fusion: Fusion) -> Counts:
        counts: Counts = {}
        for name, (frames, labels) in self._validation().items():
            matrices = {
                row: ConfusionMatrix(
                    "joint11", truth_labels="cityscapes19", prediction_labels="cityscapes19"
                )
                for row in ROWS
                if row in networks or row not in (*CONTROLS, *networks)
            }
            for frame, label in zip(frames, labels, strict=True):
                for row, ids in predict_rows(networks, fusion, frame, label).items():
                    matrices[row].update(label.numpy(), ids.byte().numpy())
            for row, matrix in matrices.items():
                counts[f"{row}/{name}"] = matrix.compute().per_image
        return counts


@torch.inference_mode()
def predict_rows(
    networks: dict[str, Segmenter], fusion: Fusion, frame: Tensor, label: Tensor
) -> dict[str, Tensor]:
    """Return what every row says of a frame (H, W, 3) as ids (H, W); the oracle asks `label`."""
    size = (label.shape[0], label.shape[1])
    scores = {name: score_frame(one, frame, size, size)[None] for name, one in networks.items()}
    found = {name: one.argmax(1)[0] for name, one in scores.items()}
    real, adaptive = scores["real"], scores["adaptive"]
    found["average"] = (real.softmax(1) + adaptive.softmax(1)).argmax(1)[0]
    ids = torch.stack([found["real"], found["adaptive"]])
    chosen = fusion.patches.choose(ids[:1], ids[1:])[0]
    found["patch"] = torch.where(chosen > 0, ids[1], ids[0])
    found["pixel"] = fuse_pixels(real, adaptive, fusion.temperatures)[0].argmax(1)[0]
    better, _ = better_channel(cut(ids[:, None]), cut(label.long()[None, None])[0])
    best = spread(better, 1, label.shape)[0]
    found["oracle"] = torch.where(best > 0, ids[1], ids[0])
    return found


def _say(text: str) -> None:
    print(f"nisenet: {text}", file=sys.stderr, flush=True)
