# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Lightning trainer, and what the trainings of several methods do alike."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger
from torch import Tensor, nn

from nightseg_ros.learning.limits import AUTO
from nightseg_ros.learning.precision import FULL, faster_precision
from nightseg_ros.learning.run_record import Run, open_run

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # of malloc.h
_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 2**28}
_USUAL = {_MMAP_MAX: 65536, _TRIM_THRESHOLD: 2**17, _TOP_PAD: 2**17}
Result = dict[str, Any]


def resumable(train: Callable[..., Result]) -> Callable[..., Result]:
    """Turn `train(run, config, data, fast_dev_run)` into what trains a method, with a run opened.

    A training that is finished is not repeated. `train` may take more before the run.
    """

    @wraps(train)
    def method(*given: Any, resume: bool, fast_dev_run: bool) -> Result:
        *more, config, out, data = given
        run = open_run(out, config, data, resume=resume)
        return run.result or train(*more, run, config, data, fast_dev_run)

    return method


def fit(
    module: lightning.LightningModule,
    config: Any,
    run: Run,
    *,
    fast_dev_run: bool,
    callbacks: Iterable[Callback] = (),
    timed: nn.Module | None = None,
    **options: Any,
) -> lightning.Trainer:
    """Train `module` by the settings of its recipe, from where the run stopped, and return how.

    `timed` is the part for images that says which precision is the faster one, where the recipe
    leaves that open; without it, full precision is taken. `options` go to Lightning; they replace
    what the recipe says.
    """
    if config.precision == AUTO:
        options["precision"] = run.choose("precision", partial(_precision, timed, config))
    trainer = make_trainer(config, run, callbacks, fast_dev_run=fast_dev_run, **options)
    with freed_memory_kept():
        trainer.fit(module, ckpt_path=run.checkpoint, weights_only=True)
    return trainer


def _precision(timed: nn.Module | None, config: Any) -> str:
    if timed is None:
        return FULL
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    view = config.view if isinstance(config.view, tuple) else (config.view, config.view)
    return faster_precision(timed, view, device)


def log_losses(
    module: lightning.LightningModule, losses: Mapping[str, Tensor], count: int
) -> Tensor:
    """Log the losses of a batch of `count` frames with their sum, and return it."""
    total = torch.stack(list(losses.values())).sum()
    module.log("loss", total, prog_bar=True, batch_size=count)
    module.log_dict({f"loss/{k}": v for k, v in losses.items()}, batch_size=count)
    return total


def make_trainer(
    config: Any, run: Run, callbacks: Iterable[Callback], *, fast_dev_run: bool, **options: Any
) -> lightning.Trainer:
    """Return the trainer, which keeps last.ckpt, logs as CSV and shows its progress."""
    out = run.out
    loggers: list[Logger] = [CSVLogger(out, name="", version="csv")]
    try:
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers.append(TensorBoardLogger(out, name="", version="tensorboard"))
    except ImportError:
        pass  # an extra; the CSV file and the curve are always written
    warnings.filterwarnings(
        "ignore", ".*(num_workers|LeafSpec|tensorboard|across ranks|sync_dist).*"
    )
    # last.ckpt has this name even where an earlier run left one.
    last = ModelCheckpoint(out, filename="epoch", save_last=True, enable_version_counter=False)
    settings = {
        "accelerator": "auto",
        "devices": config.devices,
        "num_nodes": config.nodes,
        "precision": config.precision,
        "max_steps": config.steps,
        "reload_dataloaders_every_n_epochs": 1,
        "callbacks": [last, *callbacks, TQDMProgressBar(refresh_rate=10)],
        "logger": loggers,
        "log_every_n_steps": min(10, config.steps),
        "fast_dev_run": 1 if fast_dev_run else False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
    }
    return lightning.Trainer(**{**settings, **options})


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let freed blocks be taken again; without glibc nothing changes.

    glibc gives every large block back to the system when it is freed, and a training step frees and
    takes the same blocks again and again: half of its time went into fresh, zeroed pages. Load
    data before: what is freed in between stays a hole that only smaller blocks fit in.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):  # musl, macOS
        yield
        return
    for setting, value in _KEEP.items():
        libc.mallopt(setting, value)
    try:
        yield
    finally:
        for setting, value in _USUAL.items():
            libc.mallopt(setting, value)
        libc.malloc_trim(0)
