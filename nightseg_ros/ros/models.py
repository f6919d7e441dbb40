# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the warmed-up pipeline from the parameters: all as requested, or why not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightseg_ros.bundles.bundle import Bundle, calibrations, domains
from nightseg_ros.bundles.choice import choose_bundles, masks_as, model_folder, shared_labels
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.bundles.routes import AUTO, ENGINES_OF, ON_REQUEST, ROLES
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import LabelSet
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.perception.pipeline_settings import PipelineSettings
from nightseg_ros.perception.route_guard import RouteGuard

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Engine
    from nightseg_ros.engines.kinds import Trial
    from nightseg_ros.ros.settings import Settings


@dataclass(frozen=True)
class Models:
    """What the worker runs, and what the node reports about it."""

    pipeline: Pipeline
    bundles: dict[str, Bundle]
    labels: LabelSet
    fallbacks: tuple[str, ...]
    """Why something requested is not used; empty where all is as requested."""
    unavailable: dict[str, str]
    """Why an allowed route is unavailable."""
    replaced_route: str = ""
    """The requested route that is unavailable and replaced by `auto`."""

    def apply(self, settings: Settings) -> None:
        """Apply settings to the pipeline, or raise where its models cannot serve them."""
        self.pipeline.settings = PipelineSettings(
            route=AUTO if settings.route == self.replaced_route else settings.route,
            confidence_threshold=settings.confidence_threshold,
            target_error=settings.target_error,
            stabilise=settings.stabilise,
            policy=settings.policy(),
        )

    @property
    def hashes(self) -> dict[str, str]:
        """The sha256 of each network, by role."""
        return {role: bundle.sha256 for role, bundle in self.bundles.items()}

    def close(self) -> None:
        """Free the engines."""
        for engine in self.pipeline.engines.values():
            engine.close()


def load_models(
    settings: Settings, log: Callable[[str], None] = lambda _: None, trial: Trial = nullcontext
) -> Models:
    """Load, verify and warm up the models that the settings name; in the thread that runs them.

    `log` gets lines about the models loaded and the engines chosen and built; `trial` is the
    context of each trial run.
    """
    bundles, fallbacks = _find(settings)
    engines: dict[str, Engine] = {}
    try:
        for role, bundle in bundles.items():
            log(f"loading {role} model {bundle.name}")
            try:
                engines[role] = _create(bundle, settings, log, trial)
            except NightsegError as error:
                if not settings.allow_fallback:
                    raise
                fallbacks.append(str(error))
        return _assemble(engines, bundles, settings, fallbacks)
    except BaseException:
        for engine in engines.values():
            engine.close()
        raise


def check_unchanged(models: Models, hashes: dict[str, str], labels: LabelSet) -> None:
    """Refuse models other than those that the node was configured with.

    The topics and labels were published for those. Model files that were replaced while the node
    runs take effect when it is configured again, not because an engine hung.
    """
    found = models.hashes
    changed = sorted(r for r in {*hashes, *found} if hashes.get(r) != found.get(r))
    if changed or models.labels != labels:
        raise NightsegError(
            f"{', '.join(changed) or 'labels'}: the model is not the one that the node was "
            "configured with; configure it again to use the new one"
        )


def _create(bundle: Bundle, settings: Settings, log: Callable[[str], None], trial: Trial) -> Engine:
    return create_engine(
        bundle,
        settings.engine,
        require_gpu=settings.require_gpu,
        allow_fallback=settings.allow_fallback,
        allow_build=settings.allow_build,
        threads=settings.threads,
        spinning=settings.spinning,
        delay_s=settings.fake_delay_ms / 1e3,
        log=log,
        trial=trial,
    )


def _assemble(
    engines: dict[str, Engine], bundles: dict[str, Bundle], settings: Settings, fallbacks: list[str]
) -> Models:
    bundles = {role: bundles[role] for role in engines}
    if fallbacks and not bundles:
        raise NightsegError(f"no model is left: {'; '.join(fallbacks)}")
    labels = shared_labels(bundles.values())
    if settings.output_size == "network":
        _need_one_size(bundles)
    pipeline = Pipeline(
        engines,
        guard=RouteGuard(),
        classes=labels.count,
        calibrations=calibrations(bundles),
        domains=domains(bundles),
    )
    unavailable = _unavailable(pipeline, settings)
    replaced_route = ""
    if settings.route in unavailable:
        reason = unavailable[settings.route]
        if not settings.allow_fallback:
            raise NightsegError(
                f"{reason} in {_folder(settings)}; add it, choose another route, "
                "or set allow_fallback"
            )
        fallbacks.append(f"{reason}; auto replaces it")
        replaced_route = settings.route
    fallbacks += [x.info.fallback_reason for x in engines.values() if x.info.fallback_reason]
    models = Models(
        pipeline, bundles, labels, tuple(dict.fromkeys(fallbacks)), unavailable, replaced_route
    )
    models.apply(settings)
    return models


def _find(settings: Settings) -> tuple[dict[str, Bundle], list[str]]:
    """Return the bundles of the roles that the allowed routes need, and what went wrong."""
    folder = _folder(settings)
    names = _names(settings)
    needed = {role for route in settings.allowed_routes for role in ENGINES_OF[route]}
    needed -= {role for role in ON_REQUEST if not names[role]}
    found: dict[str, Bundle] = {}
    fallbacks: list[str] = []
    for role in (role for role in ROLES if role in needed):
        try:
            found |= choose_bundles(
                folder,
                {role: names[role]},
                roles=(role,),
                public_key=settings.public_key,
                budget_ms=settings.latency_budget_ms,
                engine=settings.engine,
            )
        except NightsegError as error:
            if not names[role] and _has_none(folder, role):
                continue  # not requested; the routes that need it are unavailable
            if not settings.allow_fallback:
                advice = "; or set allow_fallback" if _damaged(folder, names[role]) else ""
                raise NightsegError(f"{error}{advice}") from error
            fallbacks.append(str(error))
    if not found:
        choose_bundles(folder, public_key=settings.public_key)  # which raises the best explanation
    return masks_as(found, settings.labels_as), fallbacks


def _names(settings: Settings) -> dict[str, str]:
    """Return the model that is named for each role; empty where none is."""
    return {role: getattr(settings, f"{role}_model") for role in ROLES}


def _has_none(folder: Path, role: str) -> bool:
    """Return whether the folder has no model of a role; a damaged model may be of any role."""
    try:
        return all(role not in Bundle.load(path).roles for path in find_bundles(folder))
    except NightsegError:
        return False


def _damaged(folder: Path, name: str) -> bool:
    """Return whether the named model, or else any, exists but cannot be used.

    allow_fallback is for such a model, not for a mistyped name.
    """
    try:
        paths = [model_folder(name, folder)] if name else find_bundles(folder)
    except NightsegError:
        return False
    try:
        for path in paths:
            Bundle.load(path)
    except NightsegError:
        return True
    return False


def _folder(settings: Settings) -> Path:
    return Path(settings.models_dir).expanduser() if settings.models_dir else default_models_dir()


def _need_one_size(bundles: dict[str, Bundle]) -> None:
    sizes = {(b.height, b.width) for b in bundles.values() if b.labels is not None}
    if len(sizes) > 1:
        raise NightsegError(
            f"output_size is network, but the models have different sizes ({sorted(sizes)}); "
            "set output_size to input, or use models of one size"
        )


def _unavailable(pipeline: Pipeline, settings: Settings) -> dict[str, str]:
    """Return why each unavailable allowed route is unavailable.

    An optional route that was not requested is not reported.
    """
    reasons, names = {}, _names(settings)
    for route in settings.allowed_routes:
        missing = [role for role in ENGINES_OF[route] if role not in pipeline.engines]
        unnamed = [role for role in missing if role in ON_REQUEST and not names[role]]
        if unnamed and route == settings.route:
            reasons[route] = f"route {route} is unavailable: {unnamed[0]}_model names no model"
        elif missing and not unnamed:
            reasons[route] = (
                f"route {route} is unavailable: there is no {' and no '.join(missing)} model"
            )
    return reasons
