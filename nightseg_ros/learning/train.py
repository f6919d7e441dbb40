# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`train(config)`: run a recipe to its end, or on from where it stopped, and return its figures."""

from __future__ import annotations

import csv
import json
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.config import SweepConfig, TrainConfig, TranslateConfig
from nightseg_ros.learning.datasets.catalog import open_set
from nightseg_ros.learning.networks.registry import save_checkpoint
from nightseg_ros.learning.recipes.segmentation import SegmentationRecipe
from nightseg_ros.learning.tensor_set import expand, join, load_frames, load_source

LAST = "last.ckpt"


def train(
    config: TrainConfig | TranslateConfig | SweepConfig,
    out: Path,
    data: str = "",
    *,
    resume: bool = True,
    fast_dev_run: bool = False,
) -> dict[str, Any]:
    """Run `config` and return its figures; everything it makes lies in `out`."""
    seed = 0 if isinstance(config, SweepConfig) else config.seed
    lightning.seed_everything(seed, workers=True, verbose=False)
    torch.set_float32_matmul_precision("high")
    out.mkdir(parents=True, exist_ok=True)
    started = time.time()
    if isinstance(config, SweepConfig):
        from nightseg_ros.learning.sweep import run_sweep

        result = run_sweep(config, out, data, fast_dev_run=fast_dev_run)
    elif isinstance(config, TranslateConfig):
        from nightseg_ros.learning.recipes.cyclegan import train_cyclegan

        result = train_cyclegan(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    else:
        result = _train_segmentation(config, out, data, resume=resume, fast_dev_run=fast_dev_run)
    result["minutes"] = round((time.time() - started) / 60, 1)
    (out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def make_trainer(
    config: TrainConfig | TranslateConfig,
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
    warnings.filterwarnings("ignore", ".*(num_workers|LeafSpec|tensorboard).*")
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


def _train_segmentation(
    config: TrainConfig, out: Path, data: str, *, resume: bool, fast_dev_run: bool
) -> dict[str, Any]:
    parts = [load_source(source, data, config.cache, config.seed) for source in config.train]
    validation = {
        spec.rpartition(":")[2].replace("/", "_"): load_frames(
            open_set(expand(spec, data)), config.cache
        )[:2]
        for spec in config.val
    }
    recipe = SegmentationRecipe(config, join(parts), validation)
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
    trainer.fit(recipe, ckpt_path=str(last) if resume and last.is_file() else None)
    if best is not None and best.best_model_path:
        chosen = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        recipe.load_state_dict(chosen["state_dict"])
        step = int(chosen["global_step"])
    else:
        step = trainer.global_step
    figures = {} if fast_dev_run or not validation else trainer.validate(recipe, verbose=False)[0]
    figures = {name: round(float(value), 2) for name, value in figures.items()}
    about = {"config": _plain(asdict(config)), "step": step, "figures": figures}
    checkpoint = out / "model.pt"
    save_checkpoint(checkpoint, recipe.average, config.network, about)
    if not fast_dev_run:
        _draw_curve(out)
    return {"checkpoint": str(checkpoint), "chosen_step": step, "figures": figures}


def _plain(value: Any) -> Any:
    """Return `value` with tuples as lists, so that a checkpoint holds nothing but plain data."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


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
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(out / "curve.png", dpi=110)
    pyplot.close(figure)
