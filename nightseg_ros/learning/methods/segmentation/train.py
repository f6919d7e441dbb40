# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A training of a segmentation network: its sets, the checkpoint that is kept, its figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.metrics_file import draw_curve
from nightseg_ros.learning.run_record import is_main, open_run
from nightseg_ros.learning.tensor_set import JoinedSet, Sets, load_sets, load_source
from nightseg_ros.learning.trainer import fit
from nightseg_ros.learning.validation import figure_key


def train_network(
    make: Callable[[Any, JoinedSet, Sets], Any],
    config: Any,
    out: Path,
    data: str,
    *,
    resume: bool,
    fast_dev_run: bool,
) -> dict[str, Any]:
    """Train by the module that `make` returns, and save what validation chose.

    `make` gets the recipe, the training sets and the validation sets.
    """
    run = open_run(out, config, data, resume=resume)
    if run.result is not None:
        return run.result
    labels = config.label_set
    parts = [load_source(one, data, config.cache, config.seed, labels) for one in config.train]
    validation = load_sets(config.val, data, config.cache, labels)
    recipe = make(config, JoinedSet(parts), validation)
    monitor = "" if config.monitor == "last" or not validation else config.monitor
    keys = [figure_key(name, validation, labels) for name in validation]
    known = ["last", "miou/mean", "score", *keys]
    if monitor and monitor not in known:
        raise NightsegError(
            f"recipe {config.name}: monitor is '{monitor}'; there are {', '.join(known)}"
        )
    callbacks: list[Callback] = []
    best = None
    if monitor:
        best = ModelCheckpoint(
            out, filename="best", monitor=monitor, mode="max", enable_version_counter=False
        )
        callbacks.append(best)
        if config.patience:
            callbacks.append(EarlyStopping(monitor, patience=config.patience, mode="max"))
    trainer = fit(
        recipe,
        config,
        run,
        fast_dev_run=fast_dev_run,
        callbacks=callbacks,
        timed=recipe.network,
        gradient_clip_val=5.0,
        max_steps=min(config.until or config.steps, config.steps),
    )
    if best is not None and best.best_model_path:
        chosen = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        recipe.load_state_dict(chosen["state_dict"])
        step = int(chosen["global_step"])
    else:
        step = trainer.global_step
    recipe.settle()
    figures = {} if fast_dev_run or not validation else trainer.validate(recipe, verbose=False)[0]
    figures = {name: round(float(value), 2) for name, value in figures.items()}
    about = {"figures": figures, "parts": run.parts, "chosen": run.chosen}
    checkpoint = recipe.save(out, step=step, **about)
    result = run.finish({"checkpoint": str(checkpoint), "chosen_step": step, "figures": figures})
    if is_main() and not fast_dev_run:
        draw_curve(out)
    return result
