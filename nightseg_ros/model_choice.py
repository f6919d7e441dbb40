# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which model folder serves which role: day, night, translator or fused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from nightseg_ros.bundle import Bundle, find_bundles
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import LabelSet
from nightseg_ros.routes import ON_REQUEST, ROLES

PREFERRED = {
    "day": "erf_pspnet_day",
    "night": "erf_pspnet_night",
    "translator": "night2day",
    "fused": "erf_pspnet_fused",
}
"""Which of several models takes a role that nobody named one for: the full ones of this package."""


def choose_bundles(
    models_dir: Path,
    names: Mapping[str, str] | None = None,
    *,
    roles: Collection[str] | None = None,
    every: bool = False,
    verify: bool = True,
    public_key: str = "",
) -> dict[str, Bundle]:
    """Return the bundle of each role ("day", "night", "translator") found in `models_dir`.

    `names` picks the bundle of a role by name; a role with several bundles needs that, unless one
    of them is the one of this package. With `roles` exactly these are looked for, and each must
    be there; without, a "fused" one counts only where it is named, or with `every`. A broken
    bundle, or one not signed by the owner of `public_key` where that is given, is an error only
    where a role is empty without it.
    """
    names = {role: name for role, name in (names or {}).items() if name}
    for role in (*names, *(roles or ())):
        if role not in ROLES:
            raise NightsegError(f"role '{role}' is unknown; there are {', '.join(ROLES)}")
    good, broken = _load_all(models_dir, verify=verify, public_key=public_key)
    chosen: dict[str, Bundle] = {}
    wanted = [role for role in ROLES if every or role in names or role not in ON_REQUEST]
    for role in wanted if roles is None else roles:
        fitting = [bundle for bundle in good if bundle.role == role]
        if role in names:
            fitting = [bundle for bundle in fitting if bundle.name == names[role]]
            if not fitting:
                raise NightsegError(_why_not(models_dir, role, names[role], good, broken))
        if len(fitting) > 1:
            fitting = [bundle for bundle in fitting if bundle.name == PREFERRED[role]] or fitting
        if len(fitting) > 1:
            raise NightsegError(
                f"{models_dir} holds several bundles for '{role}': "
                f"{', '.join(bundle.name for bundle in fitting)}; name the one to use"
            )
        if fitting:
            chosen[role] = fitting[0]
        elif roles is not None:
            raise NightsegError(_nothing(models_dir, f"no usable '{role}' model", good, broken))
    if not chosen:
        raise NightsegError(_nothing(models_dir, "no usable model", good, broken))
    return chosen


def shared_labels(bundles: Iterable[Bundle]) -> LabelSet:
    """Return the label set of all segmenters among `bundles`, refusing a mixture.

    A mask must not change its meaning when the route changes.
    """
    labelled = [(bundle.name, bundle.labels) for bundle in bundles if bundle.labels is not None]
    if not labelled:
        raise NightsegError("none of the models segments; add a day or a night model")
    first_name, first = labelled[0]
    for name, labels in labelled[1:]:
        if labels.names != first.names:
            raise NightsegError(
                f"models {first_name} and {name} have different classes ({first.name}, "
                f"{labels.name}); take models of one label set, or a single route"
            )
    return first


def _load_all(
    models_dir: Path, *, verify: bool, public_key: str
) -> tuple[list[Bundle], dict[str, str]]:
    good: list[Bundle] = []
    broken: dict[str, str] = {}
    for folder in find_bundles(models_dir):
        try:
            good.append(Bundle.load(folder, verify=verify, public_key=public_key))
        except NightsegError as error:
            broken[folder.name] = str(error)
    return good, broken


def _why_not(
    models_dir: Path, role: str, name: str, good: list[Bundle], broken: Mapping[str, str]
) -> str:
    if name in broken:
        return broken[name]
    for bundle in good:
        if bundle.name == name:
            return f"bundle {name} is for '{bundle.role}', not for '{role}'; name another one"
    return _nothing(models_dir, f"no bundle '{name}'", good, broken)


def _nothing(models_dir: Path, what: str, good: list[Bundle], broken: Mapping[str, str]) -> str:
    if not models_dir.is_dir():
        return f"there is no models folder {models_dir}; name one that holds models"
    held = ", ".join(bundle.name for bundle in good) or "no good bundle"
    reasons = "".join(f"; {reason}" for reason in broken.values())
    return f"there is {what} in {models_dir}, it holds {held}{reasons}; name another models folder"
