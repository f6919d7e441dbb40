# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`train(config)`: run a recipe to its end, or on from where it stopped, and return its figures."""

from __future__ import annotations

import csv
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger
from torch import Tensor

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.adversarial_config import AdversarialConfig
from nightseg_ros.learning.config import (
    SweepConfig,
    TaskTranslatorConfig,
    TrainConfig,
)
from nightseg_ros.learning.darkening_config import CurveConfig, DarkeningConfig, EnhancementConfig
from nightseg_ros.learning.fused_config import FusedConfig
from nightseg_ros.learning.min_max_classifier_config import MinMaxClassifierConfig
from nightseg_ros.learning.min_max_config import MinMaxConfig
from nightseg_ros.learning.min_max_sweep_config import MinMaxSweepConfig
from nightseg_ros.learning.nisenet_config import FusionConfig, NisenetConfig
from nightseg_ros.learning.recipes.segmentation import SegmentationRecipe
from nightseg_ros.learning.self_training_config import SelfTrainingConfig
from nightseg_ros.learning.tensor_set import (
    TensorSet,
    join,
    load_sets,
    load_source,
)
from nightseg_ros.learning.thesis_config import ThesisConfig
from nightseg_ros.learning.unpaired_config import TranslateConfig, UnitConfig

LAST = "last.ckpt"
AnyConfig = (
    TrainConfig
    | TranslateConfig
    | UnitConfig
    | SweepConfig
    | SelfTrainingConfig
    | ThesisConfig
    | FusionConfig
    | NisenetConfig
    | MinMaxSweepConfig
    | MinMaxClassifierConfig
)
Validation = dict[str, tuple[Tensor, Tensor]]
Loaded = tuple[list[TensorSet], Validation]
Maker = Callable[[TrainConfig, list[TensorSet], Validation], SegmentationRecipe]
"""What makes a Lightning module of a recipe, its training sets and its validation sets."""


def train(
    config: AnyConfig,
    out: Path,
    data: str = "",
    *,
    resume: bool = True,
    fast_dev_run: bool = False,
) -> dict[str, Any]:
    """Run `config` and return its figures; everything it makes lies in `out`."""
    seed = int(getattr(config, "seed", 0))  # sweeps have seeds instead
    lightning.seed_everything(seed, workers=True, verbose=False)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    started = time.time()
    if isinstance(config, SweepConfig):
        from nightseg_ros.learning.sweep import run_sweep

        result = run_sweep(config, out, data, fast_dev_run=fast_dev_run)
    elif isinstance(config, TranslateConfig | UnitConfig):
        from nightseg_ros.learning.recipes.unpaired import train_unpaired

        result = train_unpaired(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    elif isinstance(config, DarkeningConfig | EnhancementConfig):
        from nightseg_ros.learning.recipes.darkening import train_curves

        result = train_curves(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    elif isinstance(config, ThesisConfig):
        from nightseg_ros.learning.thesis import run_thesis

        result = run_thesis(config, out, data, fast_dev_run=fast_dev_run)
    elif isinstance(config, MinMaxSweepConfig):
        from nightseg_ros.learning.min_max_sweep import run_min_max

        result = run_min_max(config, out, data, fast_dev_run=fast_dev_run)
    elif isinstance(config, MinMaxClassifierConfig):
        from nightseg_ros.learning.recipes.min_max_classifier import train_classifier

        result = train_classifier(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    elif isinstance(config, AdversarialConfig):
        from nightseg_ros.learning.recipes.adversarial import train_adversarial

        result = train_adversarial(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    elif isinstance(config, FusionConfig):
        from nightseg_ros.learning.recipes.nisenet_fusion import train_fusion

        result = train_fusion(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    elif isinstance(config, NisenetConfig):
        from nightseg_ros.learning.nisenet import run_nisenet

        result = run_nisenet(config, out, data, fast_dev_run=fast_dev_run)
    elif isinstance(config, SelfTrainingConfig):
        from nightseg_ros.learning.recipes.self_training import train_self_training

        result = train_self_training(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    else:
        result = run_segmentation(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    result["minutes"] = round((time.time() - started) / 60, 1)
    (out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def recipe_of(config: TrainConfig) -> type[SegmentationRecipe]:
    """Return the module that trains on labelled frames as `config` says."""
    if isinstance(config, TaskTranslatorConfig):
        from nightseg_ros.learning.recipes.task_translator import TaskTranslator

        return TaskTranslator
    if isinstance(config, FusedConfig):
        from nightseg_ros.learning.recipes.fused import FusedRecipe

        return FusedRecipe
    if isinstance(config, MinMaxConfig):
        from nightseg_ros.learning.recipes.min_max import MinMaxRecipe

        return MinMaxRecipe
    return SegmentationRecipe


def make_trainer(
    config: TrainConfig
    | TranslateConfig
    | UnitConfig
    | CurveConfig
    | FusionConfig
    | MinMaxClassifierConfig,
    out: Path,
    callbacks: list[Callback],
    fast_dev_run: bool,
    **options: Any,
) -> lightning.Trainer:
    """Return a Lightning trainer with the settings that all recipes share."""
    loggers: list[Logger] = [CSVLogger(out, name="", version="csv")]
    try:
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(out, name="", version="tensorboard"))
    except ImportError:
        pass  # an extra; the CSV file and the curve are always written
    warnings.filterwarnings("ignore", ".*(num_workers|LeafSpec|tensorboard|across ranks).*")
    return lightning.Trainer(
        accelerator="auto",
        devices=config.devices,
        num_nodes=config.nodes,
        precision=config.precision,  # type: ignore[arg-type]
        callbacks=[*callbacks, TQDMProgressBar(refresh_rate=10)],
        logger=loggers,
        log_every_n_steps=10,
        fast_dev_run=1 if fast_dev_run else False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **options,
    )


def _load(config: TrainConfig, data: str) -> Loaded:
    parts = [load_source(source, data, config.cache, config.seed) for source in config.train]
    return parts, load_sets(config.val, data, config.cache)


def run_segmentation(
    config: TrainConfig,
    out: Path,
    data: str,
    *,
    resume: bool,
    fast_dev_run: bool,
    make: Maker | None = None,
    loaded: Loaded | None = None,
) -> dict[str, Any]:
    """Train a segmentation network, by the Lightning module of `make` where one is given.

    `loaded` are training and validation sets that are in memory already; else the recipe's are
    read.
    """
    if isinstance(config, MinMaxConfig):
        from nightseg_ros.learning.recipes.min_max import check_zero_shot

        check_zero_shot(config, data)
    parts, validation = _load(config, data) if loaded is None else loaded
    if make is None:
        recipe = recipe_of(config)(config, join(parts), validation)
    else:
        recipe = make(config, parts, validation)
    monitor = "" if config.monitor == "last" or not validation else config.monitor
    known = ["last", "miou/mean", *(f"miou/{name}" for name in validation)]
    if monitor and monitor not in known:
        raise NightsegError(
            f"recipe {config.name}: monitor is '{monitor}'; there are {', '.join(known)}"
        )
    callbacks: list[Callback] = [ModelCheckpoint(out, filename="epoch", save_last=True)]
    best = None
    if monitor:
        best = ModelCheckpoint(out, filename="best", monitor=monitor, mode="max")
        callbacks.append(best)
        if config.patience:
            callbacks.append(EarlyStopping(monitor, patience=config.patience, mode="max"))
    trainer = make_trainer(
        config,
        out,
        callbacks,
        fast_dev_run,
        max_steps=config.steps,
        gradient_clip_val=5.0,
        reload_dataloaders_every_n_epochs=1,
    )
    last = out / LAST
    begin = str(last) if resume and last.is_file() else None
    trainer.fit(recipe, ckpt_path=begin, weights_only=True)
    if best is not None and best.best_model_path:
        chosen = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        recipe.load_state_dict(chosen["state_dict"])
        step = int(chosen["global_step"])
    else:
        step = trainer.global_step
    figures = {} if fast_dev_run or not validation else trainer.validate(recipe, verbose=False)[0]
    figures = {name: round(float(value), 2) for name, value in figures.items()}
    checkpoint = recipe.save(out, step=step, figures=figures)
    if not fast_dev_run:
        _draw_curve(out)
    return {"checkpoint": str(checkpoint), "chosen_step": step, "figures": figures}


def _draw_curve(out: Path) -> None:
    """Draw loss and validation figures over the steps as curve.png."""
    try:
        import matplotlib
    except ImportError:
        return  # an extra
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with (out / "csv" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    for name in rows[0] if rows else []:
        points = [(int(r["step"]), float(r[name])) for r in rows if r.get(name)]
        if not points or name in ("step", "epoch"):
            continue
        axis = right if name.startswith("miou") else left
        axis.plot(*zip(*points, strict=True), label=name)
    for axis, title in ((left, "loss"), (right, "validation mIoU, %")):
        axis.set(title=title, xlabel="step")
        if axis.lines:
            axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out / "curve.png", dpi=110)
    pyplot.close(figure)
