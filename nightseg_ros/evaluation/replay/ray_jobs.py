# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the same function on many things on a Ray cluster that is there already."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.replay.jobs import Function, Outcome, reason


def run_on_ray(
    function: Function,
    arguments: Sequence[Any],
    address: str,
    jobs: int,
    *,
    cores: int,
    gpus: int = 0,
) -> Iterator[Outcome]:
    """Yield what comes of `function(argument, report)` as it comes; nothing is reported between.

    Each job is given so many cores and GPUs of a machine, and sees no other GPU; `jobs` of them
    at a time, 0 for as many as fit.
    """
    ray = _load_ray()
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # no base in common, and ValueError among them
        raise NightsegError(f"no Ray cluster answers at '{address}' ({error})") from error
    remote = ray.remote(_call).options(num_cpus=cores, num_gpus=gpus, max_retries=0)
    left = list(enumerate(arguments))[::-1]
    running: dict[Any, int] = {}
    try:
        while left or running:
            while left and (jobs < 1 or len(running) < jobs):
                index, argument = left.pop()
                running[remote.remote(function, argument)] = index
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            index = running.pop(done)
            try:
                yield Outcome(index, ray.get(done))
            except Exception as error:  # of the job, or of its machine
                yield Outcome(index, error=reason(getattr(error, "cause", None) or error))
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        ray.shutdown()


def _call(function: Function, argument: Any) -> Any:
    """Run on a machine of the cluster."""
    return function(argument, lambda _done, _total: None)


def _load_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise NightsegError(
            f"Ray cannot be imported ({error}); pip install '.[ray]' in the folder of "
            "nightseg_ros, or pip install ray"
        ) from error
