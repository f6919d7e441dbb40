# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The keys of recipes: what each means and may be stands at its field, and nowhere else.

Plain dataclasses, not a library: a message names the value, the limit or the nearest known key in
one line, and what checks a recipe is what the reference pages are written from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.limits import PRECISIONS, Limit, above, at_least, one_of, require

Limits = Limit | Callable[[], Limit] | None


def key(about: str, default: Any = MISSING, limit: Limits = None, *, factory: Any = MISSING) -> Any:
    """Return a field of a recipe: what it means, what it is by default, and what it may be."""
    metadata = {"about": about, "limit": limit}
    if factory is not MISSING:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Keys:
    """A part of a recipe, whose values are held against their limits when it is made.

    A class names the subject of its messages, in which {KEY} is the value of a key.
    """

    _subject: ClassVar[str] = "recipe {name}"

    def __init_subclass__(cls, subject: str = "") -> None:
        cls._subject = subject or cls._subject

    def __post_init__(self) -> None:
        limits = {entry.name: limit_of(type(self), entry) for entry in fields(self)}
        require(self.subject, self, **{key: limit for key, limit in limits.items() if limit})
        self.check()

    @property
    def subject(self) -> str:
        """How a message begins: "recipe x", or the keys above with a dot, such as "network."."""
        return self._subject.format_map(defaultdict(str, vars(self)))

    def check(self) -> None:
        """Refuse values that do not go together."""

    def refused(self, why: str) -> NightsegError:
        """Return the error of values that do not go together."""
        return NightsegError(f"{self.subject}: {why}")


COMMON: dict[str, tuple[str, Limits]] = {
    "name": ("name of the training, and of its folder in runs/", None),
    "recipe": ("the method", None),
    "steps": ("optimizer steps", at_least(1)),
    "batch": ("frames of a step", at_least(1)),
    "lr": ("learning rate", above(0)),
    "seed": ("seed of all random numbers", at_least(0)),
    "precision": (
        "precision of the computation; auto = the faster of 32-true and bf16-mixed here",
        one_of(PRECISIONS),
    ),
    "devices": ("devices of each machine", at_least(1)),
    "nodes": ("machines", at_least(1)),
}
"""What keys mean and may be that many methods have, where their fields say nothing themselves."""


def _metadata(owner: type, entry: Field[Any]) -> tuple[str, Limits]:
    """Return meaning and limit of a field: its own, those that it overrides, or the common ones."""
    declared = [getattr(cls, "__dataclass_fields__", {}).get(entry.name) for cls in owner.__mro__]
    own = [found.metadata for found in declared if found is not None and found.metadata]
    about, limit = COMMON.get(entry.name, ("", None))
    return (
        next((one["about"] for one in own), about),
        next((one["limit"] for one in own if one["limit"]), limit),
    )


def limit_of(owner: type, entry: Field[Any]) -> Limit | None:
    """Return what the field of a class may be, None where its type says all."""
    limit = _metadata(owner, entry)[1]
    return limit if limit is None or isinstance(limit, Limit) else limit()


class KeyRow(NamedTuple):
    """One row of a reference page."""

    key: str
    type: str
    default: str
    allowed: str
    description: str


def key_rows(cls: type, above: str = "") -> Iterator[KeyRow]:
    """Yield every key of a recipe, those within others with a dot, of lists with [] before it."""
    hints = get_type_hints(cls)
    for entry in fields(cls):
        about, limit = _metadata(cls, entry)[0], limit_of(cls, entry)
        inner = _part_of(hints[entry.name], cls)
        name = f"{above}{entry.name}"
        yield KeyRow(
            name,
            _type_name(hints[entry.name]),
            _default_text(entry),
            limit.allowed if limit else "",
            about,
        )
        if inner is not None:
            is_list = hints[entry.name] is not inner
            yield from key_rows(inner, f"{name}[]." if is_list else f"{name}.")


def _part_of(hint: Any, owner: type) -> type | None:
    """Return the dataclass of a key, or of the items of its list; of itself only the first."""
    for kind in (hint, *get_args(hint)):
        if isinstance(kind, type) and is_dataclass(kind) and kind is not owner:
            return kind
    return None


def _type_name(hint: Any) -> str:
    arguments = [_type_name(one) for one in get_args(hint) if one not in (Ellipsis, type(None))]
    if get_origin(hint) is dict:
        return f"names with {arguments[1]}"
    if not arguments:
        return "keys" if is_dataclass(hint) else str(hint.__name__)
    if Ellipsis in get_args(hint):
        return f"list of {arguments[0]}"
    return " and ".join(arguments) if len(arguments) > 1 else arguments[0]


def _default_text(entry: Field[Any]) -> str:
    if entry.default_factory is not MISSING:
        return ""
    if entry.default is MISSING:
        return "required"
    value = entry.default
    return str(list(value)) if isinstance(value, tuple) else repr(value)
