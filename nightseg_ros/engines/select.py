# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which engine runs a bundle: the one that was named, or the fastest that this machine can run.

Nothing falls back in silence. An engine that was named is the one that runs, or an error; `auto`
writes into `EngineInfo.fallback_reason` why something better that is there was not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nightseg_ros.bundle import Bundle
from nightseg_ros.engines.built import NeverBuiltError
from nightseg_ros.engines.cuda_driver import why_no_gpu
from nightseg_ros.engines.engine import Engine, warm_up
from nightseg_ros.engines.gpu import gpu_device
from nightseg_ros.engines.kinds import KINDS, Kind, Options
from nightseg_ros.errors import NightsegError

BEST_OF = {
    "auto": (
        "tensorrt",
        "onnxruntime-tensorrt",
        "onnxruntime-nvrtx",
        "onnxruntime-cuda",
        "openvino-int8",
        "onnxruntime-cpu",
        "openvino",
    ),
    "onnxruntime": (
        "onnxruntime-tensorrt",
        "onnxruntime-nvrtx",
        "onnxruntime-cuda",
        "onnxruntime-cpu",
    ),
}
"""Names that stand for the first of several engines that can run, the fastest first."""

LAST_RESORT = "onnxruntime-cpu"
"""What runs everywhere: its error is the one that counts where nothing runs."""

ENGINES = (*BEST_OF, *KINDS)
"""Names that `create_engine` takes."""


def create_engine(
    bundle: Bundle,
    engine: str = "auto",
    *,
    require_gpu: bool = False,
    allow_fallback: bool = False,
    **options: Any,
) -> Engine:
    """Return a warmed-up engine for `bundle`, checked against what the bundle promises.

    With `require_gpu` an engine for CPUs is never taken. With `allow_fallback` an engine that was
    named and cannot run is replaced as `auto` would choose. `options` are those of `Options`.
    """
    wanted = Options(**options)
    if engine not in ENGINES:
        raise NightsegError(f"engine '{engine}' is unknown; there are {', '.join(ENGINES)}")
    if engine in BEST_OF:
        return _best(bundle, engine, wanted, require_gpu=require_gpu)
    kind = KINDS[engine]
    if require_gpu and not kind.gpu:
        raise NightsegError(
            f"engine '{engine}' cannot run on a GPU; "
            "take engine 'auto', or do not require a GPU (require_gpu)"
        )
    try:
        return _made(kind, bundle, wanted)
    except NightsegError as error:
        if not allow_fallback:
            raise
        instead = _best(bundle, "auto", wanted, require_gpu=require_gpu)
        return _because(instead, [f"engine {engine} was asked for: {error}"])


def create_engines(
    bundles: Mapping[str, Bundle], engine: str = "auto", **options: Any
) -> dict[str, Engine]:
    """Return role -> engine for all `bundles`, or close what was created and raise."""
    engines: dict[str, Engine] = {}
    try:
        for role, bundle in bundles.items():
            engines[role] = create_engine(bundle, engine, **options)
    except BaseException:
        for created in engines.values():
            created.close()
        raise
    return engines


def _best(bundle: Bundle, engine: str, options: Options, *, require_gpu: bool) -> Engine:
    """Return the first engine of the list that can run, with the reasons against those before.

    What is not installed, or was never built, is no reason on its own; that a GPU lies idle is.
    """
    missing: list[str] = []
    failed: list[str] = []
    errors: dict[str, Exception] = {}
    for kind in (KINDS[name] for name in BEST_OF[engine]):
        if require_gpu and not kind.gpu:
            continue
        if reason := kind.why_not():
            missing += [reason] if kind.gpu else []
            errors[kind.name] = NightsegError(f"bundle {bundle.name}: {reason}")
            continue
        try:
            created = _made(kind, bundle, options, prove=kind.unproven)
        except NeverBuiltError as error:
            failed += [str(error)] if kind.wanted else []
            missing += [str(error)] if kind.gpu else []
        except Exception as error:  # libraries of GPUs fail in many ways
            failed.append(f"engine {kind.name}: {error}")
            errors[kind.name] = error
        else:
            if gpu_device() and not kind.gpu:
                failed = missing + failed
            options.say(f"{bundle.name}: engine {engine} takes {kind.name}")
            return _because(created, failed)
    if LAST_RESORT in errors:
        raise errors[LAST_RESORT]
    reasons = why_no_gpu() or "; ".join(dict.fromkeys(missing + failed))
    raise NightsegError(
        f"bundle {bundle.name}: a GPU is required, but none can be used ({reasons}); "
        "mend that, or do not require a GPU"
    )


def _made(kind: Kind, bundle: Bundle, options: Options, *, prove: bool = False) -> Engine:
    created = kind.create(bundle, options)
    try:
        warm_up(created, bundle)
        if prove:
            from nightseg_ros.engines.quick_check import check_quickly

            check_quickly(created, bundle)
    except BaseException:
        created.close()
        raise
    return created


def _because(engine: Engine, reasons: list[str]) -> Engine:
    """Return the engine with reasons put before those that it has itself."""
    own = [engine.info.fallback_reason] if engine.info.fallback_reason else []
    text = "; ".join(dict.fromkeys(reasons + own))
    engine.info = replace(engine.info, fallback_reason=text)
    return engine
