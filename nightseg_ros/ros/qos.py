# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of service: subscribe best effort, publish reliable, report mismatches.

REP 2003 in two lines: a best-effort subscriber matches every publisher, a reliable publisher
matches every subscriber. The middleware reports a remaining mismatch as an event.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from rclpy.exceptions import NameValidationException
from rclpy.qos import (
    DurabilityPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions

from nightseg_ros.errors import NightsegError

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode
    from rclpy.node import Node

try:
    from rclpy.event_handler import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )
except ImportError:  # Humble
    from rclpy.qos_event import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )

Notice = Callable[[str, str], None]
"""Called with a topic and what the middleware reported about it."""

NO_EVENTS = PublisherEventCallbacks(use_default_callbacks=False)
"""For publishers that nobody must be warned about: the executor waits for every event each time."""

_Entity = TypeVar("_Entity")
_OVERRIDES = QoSOverridingOptions.with_default_policies()
MATCHED_EVENTS = "matched" in inspect.signature(PublisherEventCallbacks).parameters
"""Whether this rclpy reports changes of a publisher's subscribers (Jazzy and later do)."""


def newest_only(reliability: str = "best_effort") -> QoSProfile:
    """Return the profile of images: the newest one, volatile."""
    reliable = ReliabilityPolicy[reliability.upper()]
    return QoSProfile(depth=1, reliability=reliable, durability=DurabilityPolicy.VOLATILE)


def latched() -> QoSProfile:
    """Return the profile of labels: a late subscriber still gets the last one."""
    durable = DurabilityPolicy.TRANSIENT_LOCAL
    return QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=durable)


def describe(profile: QoSProfile) -> str:
    """Return a profile in a few words."""
    return f"{profile.reliability.name.lower()}, {profile.durability.name.lower()}"


def mismatch(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """Return why the two are incompatible, or an empty text."""
    compatibility, reason = qos_check_compatible(publisher, subscription)
    return str(reason) if compatibility.name == "ERROR" else ""


def full_name(node: Node, topic: str) -> str:
    """Return the resolved name of a topic; NightsegError where it is not a valid name."""
    try:
        return node.resolve_topic_name(topic)
    except (NameValidationException, RuntimeError) as error:
        raise NightsegError(
            f"topic {topic} cannot be opened ({error}); check the names of cameras and nodes"
        ) from error


def create_subscription(
    node: Node,
    message_type: Any,
    topic: str,
    callback: Callable[..., None],
    profile: QoSProfile,
    notice: Notice,
    on_lost: Callable[[int], None] | None = None,
) -> Any:
    """Create a subscription with QoS overrides from parameters and events of the middleware."""
    name = full_name(node, topic)
    events: dict[str, Callable[[Any], None]] = {
        "incompatible_qos": lambda event: notice(
            name,
            f"a publisher offers an incompatible {_policy(event)}; none of its messages arrive",
        )
    }
    if on_lost is not None:
        events["message_lost"] = lambda event: on_lost(event.total_count_change)
    create = partial(node.create_subscription, message_type, topic, callback, profile)
    return _with_events(name, events, SubscriptionEventCallbacks, create)


def create_publisher(
    node: LifecycleNode,
    message_type: Any,
    topic: str,
    profile: QoSProfile,
    notice: Notice,
    on_match: Callable[[], None] | None = None,
) -> Any:
    """Create a publisher that publishes in the active state only, with overrides and events."""
    name = full_name(node, topic)
    events: dict[str, Callable[[Any], None]] = {
        "incompatible_qos": lambda event: notice(
            name, f"a subscriber asks for an incompatible {_policy(event)}; it receives nothing"
        )
    }
    if on_match is not None:
        events["matched"] = lambda _: on_match()
    create = partial(node.create_lifecycle_publisher, message_type, topic, profile)
    return _with_events(name, events, PublisherEventCallbacks, create)


def _with_events(
    topic: str,
    events: dict[str, Callable[[Any], None]],
    container: Callable[..., Any],
    create: Callable[..., _Entity],
) -> _Entity:
    """Create an entity with the events that this rclpy and this middleware support.

    No others: the executor waits for every event in each iteration.
    """
    known = inspect.signature(container).parameters
    events = {name: callback for name, callback in events.items() if name in known}
    create = partial(create, qos_overriding_options=_OVERRIDES)
    try:
        try:
            return create(event_callbacks=container(use_default_callbacks=False, **events))
        except UnsupportedEventTypeError:
            return create(event_callbacks=container(use_default_callbacks=False))
    except (InvalidQosOverridesError, RuntimeError, ValueError) as error:
        raise NightsegError(
            f"topic {topic} cannot be opened ({error}); check the qos_overrides parameters"
        ) from error


def _policy(event: Any) -> str:
    return str(qos_policy_name_from_kind(event.last_policy_kind)).lower()
