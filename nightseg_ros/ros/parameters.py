# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Declares the table of settings on a node and applies changes all or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.known_parameters import unknown_parameter
from nightseg_ros.ros.parameter_table import (
    AnyTable,
    default,
    fields,
    kind,
    ros_name,
    row,
)


class Parameters(Generic[AnyTable]):
    """The parameters of one node; `settings` is always a consistent set of their values."""

    def __init__(
        self,
        node: Node,
        accept: Callable[[AnyTable], None],
        on_change: Callable[[AnyTable], None],
        table: type[AnyTable],
    ) -> None:
        """Declare all; `accept` may raise NightsegError to refuse settings as a whole."""
        _warn_of_unknown(node)
        self._names = {ros_name(field) for field in fields(table)}
        values = {ros_name(field): _declare(node, field) for field in fields(table)}
        self.settings = table.of(values)
        self._accept, self._on_change = accept, on_change
        # Applied inside the on-set callback: rclpy checks types, ranges and read-only before it,
        # no other callback comes after it, and Humble has no post-set callback.
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: Iterable[Parameter]) -> SetParametersResult:
        values = {x.name: x.value for x in parameters if x.name in self._names}
        if not values:  # use_sim_time, QoS overrides
            return SetParametersResult(successful=True)
        try:
            settings = self.settings.changed(values)
            self._accept(settings)
        except NightsegError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self.settings = settings
        self._on_change(settings)
        return SetParametersResult(successful=True)


def _warn_of_unknown(node: Node) -> None:
    # Not an error: a params file for /** may hold parameters of other nodes.
    for name in getattr(node, "_parameter_overrides", {}):
        if fault := unknown_parameter(name):
            node.get_logger().warning(f"ignored parameter {fault}")


def _declare(node: Node, field: dataclasses.Field[Any]) -> Any:
    name, value = ros_name(field), default(field)
    if kind(field) == "string_array":
        value = list(value) or [""]  # the type of an empty list could not be told
    try:
        return node.declare_parameter(name, value, _descriptor(field)).value
    except (ParameterException, TypeError, ValueError) as error:
        raise NightsegError(
            f"parameter {name}: {error}; see the table of parameters in the README"
        ) from error


def _descriptor(field: dataclasses.Field[Any]) -> ParameterDescriptor:
    about = row(field)
    descriptor = ParameterDescriptor(description=about.description, read_only=not about.runtime)
    if about.choices:
        descriptor.additional_constraints = f"One of {', '.join(about.choices)}."
    if about.low is not None and about.high is not None:
        if kind(field) == "double":
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=about.low, to_value=about.high)
            ]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=int(about.low), to_value=int(about.high))
            ]
    # A static type would refuse 1 for 1.0 before anything here could turn it into a number;
    # `Settings` checks all types anyway, and with the name of the parameter in its message.
    descriptor.dynamic_typing = True
    return descriptor
