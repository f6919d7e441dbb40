# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Selects the engine of a bundle: the named one, or the fastest one available here.

There is no silent fallback. A named engine runs, or there is an error; `auto` explains in
`EngineInfo.fallback_reason` why a better available engine is not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nightseg_ros.engines.cache.built import NeverBuiltError
from nightseg_ros.engines.engine import Engine, warm_up
from nightseg_ros.engines.gpu import gpu_device
from nightseg_ros.engines.kinds import KINDS, Kind, Options
from nightseg_ros.engines.relabelled import in_labels_as
from nightseg_ros.engines.tensorrt.cuda_driver import why_no_gpu
from nightseg_ros.errors import NightsegError, last_line

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

BEST_OF = {
    "auto": tuple(kind for kind in KINDS if kind != "fake"),
    "onnxruntime": tuple(kind for kind in KINDS if kind.startswith("onnxruntime-")),
}
"""Names for the first available of several engines, the fastest first."""

LAST_RESORT = "onnxruntime-cpu"
"""Available everywhere: its error is reported where nothing runs."""

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

    With `require_gpu` an engine for CPUs is never used. With `allow_fallback` a named engine that
    cannot run is replaced as `auto` would choose. `options` are those of `Options`.
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
            "use engine 'auto', or do not require a GPU (require_gpu)"
        )
    try:
        return _made(kind, bundle, wanted)
    except NightsegError as error:
        if not allow_fallback:
            raise
        instead = _best(bundle, "auto", wanted, require_gpu=require_gpu)
        return _because(instead, [f"engine {engine} was requested: {error}"])


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
    """Return the first engine of the list that can run, with the reasons against earlier ones.

    An engine that is not installed, or was never built, counts as a reason only if a GPU is idle.
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
        except NightsegError as error:
            failed.append(f"engine {kind.name}: {error}")
            errors[kind.name] = error
        else:
            if gpu_device() and not kind.gpu:
                failed = missing + failed
            options.log(f"{bundle.name}: engine {engine} selects {kind.name}")
            return _because(created, failed)
    if LAST_RESORT in errors:
        raise errors[LAST_RESORT]
    reasons = why_no_gpu() or "; ".join(dict.fromkeys(missing + failed))
    raise NightsegError(
        f"bundle {bundle.name}: a GPU is required, but none can be used ({reasons}); "
        "fix that, or do not require a GPU"
    )


def _made(kind: Kind, bundle: Bundle, options: Options, *, prove: bool = False) -> Engine:
    with ExitStack() as failing:
        try:
            created = kind.create(bundle, options)
            failing.callback(created.close)
            with options.trial(f"the trial run of {bundle.name} on {kind.name}"):
                warm_up(created, bundle)
            if prove:
                from nightseg_ros.engines.quick_check import check_quickly

                check_quickly(created, bundle)
        except NightsegError:
            raise
        except Exception as error:  # libraries have errors of their own
            raise NightsegError(
                f"bundle {bundle.name}: engine {kind.name} cannot run the network "
                f"({last_line(error)}); export the bundle again, or use another engine"
            ) from error
        failing.pop_all()
    return in_labels_as(created, bundle)


def _because(engine: Engine, reasons: list[str]) -> Engine:
    """Return the engine with reasons added before its own."""
    own = [engine.info.fallback_reason] if engine.info.fallback_reason else []
    text = "; ".join(dict.fromkeys(reasons + own))
    engine.info = replace(engine.info, fallback_reason=text)
    return engine
