# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Declares a table of settings on a node and applies changes all or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.parameter import Parameter

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.parameter_table import AnyTable, default, fields, kind, ros_name, row
from nightseg_ros.ros.params_file import unknown_parameter

if TYPE_CHECKING:
    from rclpy.node import Node


class Parameters(Generic[AnyTable]):
    """The parameters of one node; `settings` is always a consistent set of values."""

    def __init__(
        self,
        node: Node,
        accept: Callable[[AnyTable], None],
        on_change: Callable[[AnyTable], None],
        table: type[AnyTable],
        in_use: Callable[[], str],
    ) -> None:
        """Declare all; `accept` may raise NightsegError to refuse settings as a whole.

        `in_use` returns why parameters that are not for run time cannot change now; empty where
        they can.
        """
        _warn_of_unknown(node)
        self._fields = {ros_name(field): field for field in fields(table)}
        values = {name: _declare(node, field) for name, field in self._fields.items()}
        self.settings = table.of(values)
        self._accept, self._on_change, self._in_use = accept, on_change, in_use
        # Applied inside the on-set callback: rclpy checks types and ranges before it, no other
        # callback follows it, and Humble has no post-set callback.
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: Iterable[Parameter]) -> SetParametersResult:
        ours = [x for x in parameters if x.name in self._fields]
        if not ours:  # use_sim_time, QoS overrides
            return SetParametersResult(successful=True)
        before = self.settings
        try:
            settings = before.changed({x.name: _value(x) for x in ours})
            self._refuse_what_is_in_use(settings)
            self._accept(settings)
            self.settings = settings
            self._on_change(settings)
        except NightsegError as error:
            self.settings = before
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _refuse_what_is_in_use(self, settings: AnyTable) -> None:
        changed = [
            name
            for name, field in self._fields.items()
            if not row(field).runtime
            and getattr(settings, field.name) != getattr(self.settings, field.name)
        ]
        if changed and (reason := self._in_use()):
            raise NightsegError(f"{', '.join(changed)}: {reason}")


def _value(parameter: Parameter) -> Any:
    if parameter.type_ == Parameter.Type.NOT_SET:  # rclpy would remove it from the node
        raise NightsegError(f"{parameter.name}: cannot be unset; set a value")
    return parameter.value


def _warn_of_unknown(node: Node) -> None:
    # Not an error: a params file for /** may hold parameters of other nodes.
    for name in getattr(node, "_parameter_overrides", {}):
        if fault := unknown_parameter(name):
            node.get_logger().warning(f"ignored parameter {fault}")


def _declare(node: Node, field: dataclasses.Field[Any]) -> Any:
    name, value = ros_name(field), default(field)
    if kind(field) == "string_array":
        value = list(value) or [""]  # an empty list has no type
    try:
        return node.declare_parameter(name, value, _descriptor(field)).value
    except (ParameterException, TypeError, ValueError) as error:
        raise NightsegError(
            f"parameter {name}: {error}; see doc/reference/parameters.md"
        ) from error


def _descriptor(field: dataclasses.Field[Any]) -> ParameterDescriptor:
    about = row(field)
    descriptor = ParameterDescriptor(description=about.description)
    if about.choices:
        descriptor.additional_constraints = f"One of {', '.join(about.choices)}."
    if about.limits is not None:
        low, high = about.limits
        if kind(field) == "double":
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        else:
            whole = IntegerRange(from_value=int(low), to_value=int(high))
            descriptor.integer_range = [whole]
    # A static type would refuse 1 for 1.0 before it can be converted here. `Settings` checks all
    # types anyway, and its message names the parameter.
    descriptor.dynamic_typing = True
    return descriptor
