# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Chooses the model folder of each role: day, night, translator, fused.

A model is always named by its name in the models folder or by the path of its folder. Its
model.yaml gives its role.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.bundle import YAML_FILE, Bundle
from nightseg_ros.bundles.models_folder import find_bundles
from nightseg_ros.bundles.routes import AUTO, ENGINES_OF, ON_REQUEST, ROLES, TRANSLATE
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_file import find_label_set
from nightseg_ros.labels.label_set import IGNORE
from nightseg_ros.labels.lookup import first_common, lookup

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet

REFERENCE = {
    "day": "erf_pspnet_day",
    "night": "erf_pspnet_night",
    "translator": "night2day",
    "fused": "erf_pspnet_fused",
}
"""The model of each role that another one must not exceed in time where there is no budget."""
FIGURES = {"day": "bdd_day_val", "night": "bdd_night_val"}
"""The validation set by whose mIoU the model of a role is chosen."""
MILLISECONDS = "milliseconds"
"""Where the metrics of a model say how long one frame takes, by kind of engine."""
USUAL_ENGINE = "onnxruntime-cpu"


def find_model(
    model: str, models_dir: Path, *, verify: bool = True, public_key: str = ""
) -> Bundle:
    """Return the bundle with the name `model` in `models_dir`, or in the folder `model`."""
    return Bundle.load(model_folder(model, models_dir), verify=verify, public_key=public_key)


def model_folder(model: str, models_dir: Path) -> Path:
    """Return the folder of `model`; the error suggests a similar name.

    The models folder has priority for a bare name: a folder in the working directory that happens
    to have that name must not replace an installed model.
    """
    path = Path(model).expanduser()
    inside = [models_dir / model] if os.sep not in model else []
    for folder in (*inside, path):
        if (folder / YAML_FILE).is_file():
            return folder
    if not inside:
        raise NightsegError(f"{path} contains no {YAML_FILE}; name the folder of a model")
    if not models_dir.is_dir():
        raise NightsegError(_no_folder(models_dir))
    names = {_name(folder): folder for folder in find_bundles(models_dir)}
    if model in names:
        return names[model]
    near = difflib.get_close_matches(model, names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise NightsegError(
        f"there is no model '{model}' in {models_dir}; {hint}it contains "
        f"{', '.join(names) or 'no model'}"
    )


def _name(folder: Path) -> str:
    """Return the name in model.yaml, or the folder's name where it cannot be read."""
    try:
        return Bundle.load(folder, verify=False).name
    except NightsegError:
        return folder.name


def choose_models(
    models: Sequence[str],
    models_dir: Path,
    route: str | None = None,
    *,
    every: bool = False,
    labels_as: str = "",
) -> tuple[str, dict[str, Bundle]]:
    """Return the route of all frames, and the bundle of each role, for the named `models`.

    Only the named models are used; if the route needs another one, it comes from the models
    folder. Without a route, it is the one that uses all of these models, else auto. Route auto may
    use all named models; if none is named, those of the models folder, with `every` also the
    optional ones. With `labels_as`, masks are in this label set.
    """
    bundles: dict[str, Bundle] = {}
    for model in models:
        bundle = find_model(model, models_dir)
        needed = [role for role in ENGINES_OF.get(route or "", ()) if role in bundle.roles]
        bundle = bundle.serving(needed[-1]) if needed else bundle
        if bundle.role in bundles:
            raise NightsegError(
                f"models {bundles[bundle.role].name} and {bundle.name} are both for "
                f"'{bundle.role}'; name one of them"
            )
        bundles[bundle.role] = bundle
    route = route or _route_for(bundles)
    if route not in ENGINES_OF:
        return route, masks_as(bundles or choose_bundles(models_dir, every=every), labels_as)
    roles = ENGINES_OF[route]
    unused = [bundle.name for role, bundle in bundles.items() if role not in roles]
    if unused:
        raise NightsegError(f"route {route} does not use {', '.join(unused)}; leave it out")
    missing = [role for role in roles if role not in bundles]
    bundles |= choose_bundles(models_dir, roles=missing) if missing else {}
    return route, masks_as({role: bundles[role] for role in roles}, labels_as)


def routes_of(roles: Collection[str]) -> list[str]:
    """Return the routes that need no other model than those of `roles`.

    >>> routes_of(["night", "translator"])
    ['night']
    """
    return [route for route, needed in ENGINES_OF.items() if set(needed) <= set(roles)]


def _route_for(roles: Collection[str]) -> str:
    """Return the only route that uses all of these models, else auto."""
    exact = [route for route, needed in ENGINES_OF.items() if set(needed) == set(roles)]
    return TRANSLATE if set(roles) == {"translator"} else exact[0] if exact else AUTO


def choose_bundles(
    models_dir: Path,
    names: Mapping[str, str] | None = None,
    *,
    roles: Collection[str] | None = None,
    every: bool = False,
    verify: bool = True,
    public_key: str = "",
    budget_ms: float = 0.0,
    engine: str = "",
) -> dict[str, Bundle]:
    """Return the bundle of each role ("day", "night", "translator") found in `models_dir`.

    `names` selects the model of a role, by name or by folder. Of several others, the one with the
    best figure is taken that keeps `budget_ms` on this kind of `engine`; without a budget, one that
    takes no longer than the reference. With `roles`, exactly these are looked for, and
    each must exist; without, optional roles count only where named, or with `every`. A damaged
    bundle, or one without a valid signature for a given `public_key`, is an error only where it is
    named or its role has no other model.
    """
    names = {role: name for role, name in (names or {}).items() if name}
    for role in (*names, *(roles or ())):
        if role not in ROLES:
            raise NightsegError(f"role '{role}' is unknown; there are {', '.join(ROLES)}")
    wanted = [role for role in ROLES if every or role in names or role not in ON_REQUEST]
    if roles is not None:
        wanted = list(roles)
    good: list[Bundle] = []
    broken: list[str] = []
    if any(role not in names for role in wanted):
        good, broken = _load_all(models_dir, verify=verify, public_key=public_key)
    chosen: dict[str, Bundle] = {}
    for role in wanted:
        if role in names:
            named = find_model(names[role], models_dir, verify=verify, public_key=public_key)
            if role not in named.roles:
                raise NightsegError(
                    f"model {named.name} is for '{named.role}', not for '{role}'; name another one"
                )
            chosen[role] = named.serving(role)
            continue
        fitting = [bundle for bundle in good if role in bundle.roles]
        if fitting:
            chosen[role] = best(fitting, role, budget_ms, engine).serving(role)
        elif roles is not None:
            raise NightsegError(_nothing(models_dir, f"no usable '{role}' model", good, broken))
    if not chosen:
        raise NightsegError(_nothing(models_dir, "no usable model", good, broken))
    return chosen


def masks_as(bundles: Mapping[str, Bundle], name: str) -> dict[str, Bundle]:
    """Return the bundles with their masks in the label set `name`; in their own where it is empty.

    It is the label set of one of them, a known one, or the YAML file of one.
    """
    if not name:
        return dict(bundles)
    own = {bundle.labels.name: bundle.labels for bundle in bundles.values() if bundle.labels}
    target = own.get(name) or find_label_set(name)
    found = {}
    for role, bundle in bundles.items():
        if bundle.labels is None:
            found[role] = bundle
            continue
        if (lookup(bundle.labels, target) == IGNORE).all():
            raise NightsegError(f"model {bundle.name} has no class that is one of {target.name}")
        found[role] = replace(bundle, labels_as=target)
    return found


def best(bundles: Sequence[Bundle], role: str, budget_ms: float = 0.0, engine: str = "") -> Bundle:
    """Return the bundle for a role that sees best of those that are fast enough.

    Where none is, that is the fastest. Bundles without a figure are not compared: of several, the
    reference is taken, or else one must be named.
    """
    if len(bundles) == 1:
        return bundles[0]
    reference = [bundle for bundle in bundles if bundle.name == REFERENCE[role]]
    limit = budget_ms or next((milliseconds(bundle, engine) for bundle in reference), math.inf)
    known = [bundle for bundle in bundles if figure(bundle, role) is not None]
    if not known and not reference:
        raise NightsegError(
            f"{bundles[0].path.parent} contains several bundles for '{role}': "
            f"{', '.join(bundle.name for bundle in bundles)}; name the one to use"
        )
    quick = [bundle for bundle in known if milliseconds(bundle, engine) <= limit]
    if quick:
        return max(quick, key=lambda bundle: figure(bundle, role) or 0.0)
    return min(known or reference, key=lambda bundle: milliseconds(bundle, engine))


def figure(bundle: Bundle, role: str) -> float | None:
    """Return the mIoU in percent by which a bundle is chosen for a role, if it has one."""
    measured = bundle.metrics.get(FIGURES.get(role, ""))
    return measured.get("miou") if isinstance(measured, dict) else None


def milliseconds(bundle: Bundle, engine: str = "") -> float:
    """Return how long a bundle takes for a frame by its model.yaml, or infinity."""
    measured = bundle.metrics.get(MILLISECONDS)
    times: dict[str, Any] = measured if isinstance(measured, dict) else {}
    return float(times.get(engine, times.get(USUAL_ENGINE, math.inf)))


def shared_labels(bundles: Iterable[Bundle]) -> LabelSet:
    """Return the label set of the masks of all segmenters among `bundles`, refusing a mixture.

    A mask must not change its meaning when the route changes.
    """
    labelled = [(x.name, x.mask_labels) for x in bundles if x.mask_labels is not None]
    if not labelled:
        raise NightsegError("none of the models segments; add a day or a night model")
    first_name, first = labelled[0]
    for name, labels in labelled[1:]:
        if labels.names != first.names:
            raise NightsegError(
                f"models {first_name} and {name} have different classes ({first.name}, "
                f"{labels.name}): {_apart(first_name, first, labels)}, "
                f"{_apart(name, labels, first)}; {_joined(first, labels)}"
            )
    return first


def _apart(name: str, labels: LabelSet, other: LabelSet) -> str:
    """Return the classes that only one of two models has, or that their order differs."""
    only = [one for one in labels.names if one not in other.names]
    return f"only {name} has {', '.join(only)}" if only else f"{name} has no class of its own"


def _joined(first: LabelSet, second: LabelSet) -> str:
    """Return what to do about models of two label sets."""
    with suppress(NightsegError):
        common = first_common((first, second, "joint11"), first, second)
        return f"set labels_as (--labels-as) to {common.name}, to which maps lead, or use one route"
    return (
        "no map joins them: describe one in a label file (from, to) and name that as labels_as "
        "(--labels-as), or use models of one label set, or one route"
    )


def _load_all(models_dir: Path, *, verify: bool, public_key: str) -> tuple[list[Bundle], list[str]]:
    good: list[Bundle] = []
    broken: list[str] = []
    for folder in find_bundles(models_dir):
        try:
            good.append(Bundle.load(folder, verify=verify, public_key=public_key))
        except NightsegError as error:
            broken.append(str(error))
    return good, broken


def _nothing(models_dir: Path, what: str, good: list[Bundle], broken: list[str]) -> str:
    if not models_dir.is_dir():
        return _no_folder(models_dir)
    held = ", ".join(bundle.name for bundle in good) or "no good bundle"
    reasons = "".join(f"; {reason}" for reason in broken)
    return f"there is {what} in {models_dir} (it contains {held}{reasons}); name another folder"


def _no_folder(models_dir: Path) -> str:
    return f"there is no models folder {models_dir}; name one that contains models"
