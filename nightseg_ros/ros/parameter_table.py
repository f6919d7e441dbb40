# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A table of parameters as a frozen dataclass: each field is a parameter, declared and checked.

Its field gives a parameter its type and default, its row gives range, choices and description.
`diagnostics_period_s` in a table is `diagnostics.period_s` for ROS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from Python 3.11 on


@dataclass(frozen=True)
class Row:
    """The properties of a parameter besides its name, type and default."""

    description: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    runtime: bool = False
    """Whether it may be set at any time; all others are read once, when the node is configured."""


def parameter(default: Any, description: str, limits: Any = None, **row: Any) -> Any:
    """Return the field of one parameter."""
    return dataclasses.field(default=default, metadata={"row": Row(description, limits, **row)})


def tunable(default: Any, description: str, limits: Any = None, **row: Any) -> Any:
    """Return the field of a parameter that may be set at any time."""
    return parameter(default, description, limits, runtime=True, **row)


class Table:
    """Base class of the tables of parameters: frozen dataclasses whose fields have rows."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings for parameter values by ROS name; NightsegError lists all faults."""
        return cls(**_arguments(cls, values))

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return these settings with some values, by ROS name, changed."""
        return dataclasses.replace(self, **_arguments(type(self), values))  # type: ignore[type-var]

    def faults(self) -> list[str]:
        """Return the faults of single values."""
        return [fault for field in fields(type(self)) if (fault := _fault(field, self))]


AnyTable = TypeVar("AnyTable", bound=Table)


def fields(table: type[Table]) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a table, in its order."""
    return dataclasses.fields(table)  # type: ignore[arg-type]


def row(field: dataclasses.Field[Any]) -> Row:
    """Return the row of a field."""
    found: Row = field.metadata["row"]
    return found


def ros_name(field: dataclasses.Field[Any]) -> str:
    """Return the name of a field's parameter."""
    return field.name.replace("diagnostics_", "diagnostics.", 1)


def default(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field."""
    return field.default


def kind(field: dataclasses.Field[Any]) -> str:
    """Return the ROS type of a field's parameter."""
    names = {bool: "bool", int: "integer", float: "double", str: "string", tuple: "string_array"}
    return names[type(default(field))]


def _arguments(table: type[Table], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by field name, converted to the types of the fields where that is lossless."""
    by_name = {ros_name(field): field for field in fields(table)}
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        field = by_name[name]
        if kind(field) == "string_array":
            # In a YAML file [] has no type and arrives as None, so [''] means the empty list too.
            plain = isinstance(value, (list, tuple)) and all(isinstance(x, str) for x in value)
            if value is None or (plain and list(value) == [""]):
                value = ()
            elif plain:
                value = tuple(value)
        elif kind(field) == "double" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)  # `route: 1` for 1.0 in a YAML file must not stop a vehicle
        arguments[field.name] = value
    return arguments


def _fault(field: dataclasses.Field[Any], settings: Table) -> str:
    value: Any = getattr(settings, field.name)
    about, name = row(field), ros_name(field)
    if type(value) is not type(default(field)):
        return f"{name}: {value!r} is not of type {kind(field)}"
    if about.choices:
        unknown = [
            x for x in (value if isinstance(value, tuple) else (value,)) if x not in about.choices
        ]
        if unknown:
            return f"{name}: '{unknown[0]}' is not one of {', '.join(about.choices)}"
        if value == ():
            return f"{name}: is empty; give at least one of {', '.join(about.choices)}"
    if about.limits is not None and not about.limits[0] <= value <= about.limits[1]:
        return f"{name}: {value} is outside {about.limits[0]:g} to {about.limits[1]:g}"
    return ""
