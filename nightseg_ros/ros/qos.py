# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of service: subscribe best effort, publish reliable, and notice who does not match.

REP 2003 in two lines: a best-effort subscriber takes from every publisher, a reliable publisher
serves every subscriber. What still does not fit is reported by the middleware as an event.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions

from nightseg_ros.errors import NightsegError

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
"""Called with the topic and what the middleware reported about it."""

_Entity = TypeVar("_Entity")
_OVERRIDES = QoSOverridingOptions.with_default_policies()
MATCHED_EVENTS = "matched" in inspect.signature(PublisherEventCallbacks).parameters
"""Whether this rclpy tells a publisher that its subscribers changed (Jazzy and later do)."""


def newest_only(reliability: str = "best_effort") -> QoSProfile:
    """Return the profile of images: the newest one, volatile."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy[reliability.upper()],
        durability=DurabilityPolicy.VOLATILE,
    )


def latched() -> QoSProfile:
    """Return the profile of labels: whoever comes late still gets the last one."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def describe(profile: QoSProfile) -> str:
    """Return a profile in a few words."""
    return f"{profile.reliability.name.lower()}, {profile.durability.name.lower()}"


def mismatch(publisher: QoSProfile, subscription: QoSProfile) -> str:
    """Return why the two cannot talk, or an empty text where they can."""
    compatibility, reason = qos_check_compatible(publisher, subscription)
    return str(reason) if compatibility.name == "ERROR" else ""


def create_subscription(
    node: Node,
    message_type: Any,
    topic: str,
    callback: Callable[[Any], None],
    profile: QoSProfile,
    notice: Notice,
    on_lost: Callable[[int], None] | None = None,
) -> Any:
    """Subscribe, with QoS overrides from parameters and with the events of the middleware."""
    name = node.resolve_topic_name(topic)
    events: dict[str, Callable[[Any], None]] = {
        "incompatible_qos": lambda event: notice(
            name, f"a publisher offers an incompatible {_policy(event)}; nothing comes from it"
        )
    }
    if on_lost is not None:
        events["message_lost"] = lambda event: on_lost(event.total_count_change)
    return _with_events(
        name,
        events,
        SubscriptionEventCallbacks,
        lambda callbacks: node.create_subscription(
            message_type,
            topic,
            callback,
            profile,
            event_callbacks=callbacks,
            qos_overriding_options=_OVERRIDES,
        ),
    )


def create_publisher(
    node: LifecycleNode,
    message_type: Any,
    topic: str,
    profile: QoSProfile,
    notice: Notice,
    on_match: Callable[[], None] | None = None,
) -> Any:
    """Publish in the active state only, with overrides and events as above."""
    name = node.resolve_topic_name(topic)
    events: dict[str, Callable[[Any], None]] = {
        "incompatible_qos": lambda event: notice(
            name, f"a subscriber asks for an incompatible {_policy(event)}; nothing goes to it"
        )
    }
    if on_match is not None:
        events["matched"] = lambda _: on_match()
    return _with_events(
        name,
        events,
        PublisherEventCallbacks,
        lambda callbacks: node.create_lifecycle_publisher(
            message_type,
            topic,
            profile,
            event_callbacks=callbacks,
            qos_overriding_options=_OVERRIDES,
        ),
    )


def _with_events(
    topic: str,
    events: dict[str, Callable[[Any], None]],
    container: Callable[..., Any],
    create: Callable[[Any], _Entity],
) -> _Entity:
    """Create an entity with the events that this rclpy knows and this middleware supports.

    Only those: every event is one more thing to wait for in each turn of the executor.
    """
    known = inspect.signature(container).parameters
    events = {name: callback for name, callback in events.items() if name in known}
    try:
        try:
            return create(container(use_default_callbacks=False, **events))
        except UnsupportedEventTypeError:
            return create(container(use_default_callbacks=False))
    except (InvalidQosOverridesError, RuntimeError, ValueError) as error:
        raise NightsegError(
            f"topic {topic} cannot be opened ({error}); check the qos_overrides parameters"
        ) from error


def _policy(event: Any) -> str:
    return str(qos_policy_name_from_kind(event.last_policy_kind)).lower()
