# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""No callback ends a node, rclpy's own included: every service and /clock, with hostile values."""

from __future__ import annotations

import importlib
import random
import time

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs rclpy")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
from rcl_interfaces.msg import Parameter as ParameterMessage  # noqa: E402
from rcl_interfaces.msg import ParameterValue  # noqa: E402
from rcl_interfaces.srv import SetParameters, SetParametersAtomically  # noqa: E402
from rclpy.executors import Executor, SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from rosidl_parser.definition import (  # noqa: E402
    AbstractNestedType,
    BasicType,
    NamespacedType,
)
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from support.patience import PATIENCE_S  # noqa: E402
from support.segmentation_graph import RELIABLE, image, picture  # noqa: E402

from nightseg_ros.ros.callback_errors import CallbackErrors  # noqa: E402
from nightseg_ros.ros.overlay_node import OverlayNode  # noqa: E402
from nightseg_ros.ros.resilient_executor import MOST_FAILED_WAITS, ResilientExecutor  # noqa: E402
from nightseg_ros.ros.segmentation_node import SegmentationNode  # noqa: E402

pytestmark = pytest.mark.ros

SET = {"set_parameters": SetParameters, "set_parameters_atomically": SetParametersAtomically}
ROUNDS = 30
"""Hostile requests of each service."""


class Graph:
    """Nodes on an executor as in their processes, and a peer on an executor that records errors."""

    def __init__(self, create, **parameters):
        rules = [part for name, x in parameters.items() for part in ("-p", f"{name}:={x}")]
        rclpy.init(args=["--ros-args", *rules])
        self.nodes = create()
        self.peer = rclpy.create_node("peer", use_global_arguments=False)
        self.executor, own = ResilientExecutor(), SingleThreadedExecutor()
        for node in self.nodes:
            self.executor.add_node(node)
        own.add_node(self.peer)
        self.executors = [self.executor, own]
        self.statuses = {}
        self.peer.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, 10)

    def _on_status(self, message):
        for status in message.status:
            values = {value.key: value.value for value in status.values}
            self.statuses[status.name] = (status.level, status.message, values)

    def until(self, condition, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            for executor in self.executors:
                executor.spin_once(timeout_sec=0.002)
        return bool(condition())

    def until_sent(self, text, condition):
        """Publish a text until something is true; a subscriber that is not yet known misses it."""
        publisher = self.peer.create_publisher(String, "text", 10)
        self.peer.create_timer(0.05, lambda: publisher.publish(String(data=text)))
        return self.until(condition)

    def client(self, kind, name):
        client = self.peer.create_client(kind, name)
        assert self.until(client.service_is_ready), name
        return client

    def ask(self, kind, name, request):
        """Ask until there is an answer: one that comes right after discovery may be lost."""
        client = self.client(kind, name)
        for _ in range(5):
            future = client.call_async(request)
            if self.until(future.done, 2.0):
                return future.result()
        raise AssertionError(f"no answer from {name}")

    def transition(self, number):
        request = ChangeState.Request()
        request.transition.id = number
        return self.ask(ChangeState, "segmentation_node/change_state", request).success

    def set(self, node, *parameters):
        request = SetParametersAtomically.Request(parameters=parameters)
        name = f"{node.get_name()}/set_parameters_atomically"
        result = self.ask(SetParametersAtomically, name, request).result
        assert result.successful, result.reason

    def dealt_with(self, node, future):
        """Wait until a request is answered, or counted as failed."""
        failed = self.failed(node)
        return self.until(lambda: future.done() or self.failed(node) > failed, 1.0)

    def reported(self, node, words):
        """Wait until the diagnostics report callbacks with these words; return level and values."""
        task = f"{node.get_name()}: callbacks"
        assert self.until(lambda: self.statuses.get(task, (b"", ""))[1] == words)
        return self.statuses[task][0], self.statuses[task][2]

    @staticmethod
    def failed(node):
        return int(node.callback_errors.report().values["failed"])

    def close(self):
        for executor in self.executors:
            executor.shutdown()
        for node in [*self.nodes, self.peer]:
            node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def graph():
    graphs = []

    def make(*arguments, **parameters):
        graphs.append(Graph(*arguments, **parameters))
        return graphs[0]

    yield make
    for each in graphs:
        each.close()


@pytest.fixture
def both(graph, models_dir):
    """Return a graph with both nodes."""
    return graph(
        lambda: [SegmentationNode(), OverlayNode()],
        models_dir=models_dir,
        engine="fake",
        **{"diagnostics.period_s": 0.1},
    )


class Hostile:
    """Makes messages of any kind, filled with values that their receiver may not expect."""

    def __init__(self, seed, names=()):
        self.rng, self.names = random.Random(seed), names

    def message(self, kind):
        message = kind()
        for name, its_type in zip(kind.get_fields_and_field_types(), kind.SLOT_TYPES, strict=True):
            setattr(message, name, self.value(its_type))
        return message

    def value(self, its_type):
        if isinstance(its_type, AbstractNestedType):
            return [self.value(its_type.value_type) for _ in range(self.rng.choice([0, 1, 3]))]
        if isinstance(its_type, NamespacedType):
            module = importlib.import_module(".".join(its_type.namespaces))
            return self.message(getattr(module, its_type.name))
        if not isinstance(its_type, BasicType):
            return self.rng.choice([*self.names, "", "a" * 3000, "\u00e9\u221a", "/", "~", "%s{}"])
        return self.rng.choice(self.basic(its_type.typename))

    @staticmethod
    def basic(name):
        if name == "boolean":
            return [False, True]
        if name == "octet":
            return [b"\0", b"\xff"]
        if name in ("float", "double"):
            return [0.0, -1.0, 1e30, float("nan"), float("inf")]
        bits = int("".join(filter(str.isdigit, name)))
        low, high = (0, 2**bits) if name[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
        return [low, high - 1, min(200, high - 1), *range(12)]


def sent(stamp_s):
    message = Clock()
    message.clock.sec = stamp_s
    return message


def value(**fields):
    return ParameterMessage(name="use_sim_time", value=ParameterValue(**fields))


def test_clock_before_1970_and_unknown_type_are_survived_and_reported(both, capfd):
    clock = both.peer.create_publisher(Clock, "/clock", 1)
    for node in both.nodes:
        for service, kind in SET.items():
            client = both.client(kind, f"{node.get_name()}/{service}")
            assert both.dealt_with(
                node, client.call_async(kind.Request(parameters=[value(type=200)]))
            )
        assert both.failed(node) == 2
        both.set(node, value(type=1, bool_value=True))
    assert both.until(lambda: clock.get_subscription_count() == 2)
    for second in (5, 6, -1, 7):
        both.until(lambda: False, 0.2)
        clock.publish(sent(second))
    seven = 7 * 10**9
    assert both.until(lambda: all(x.get_clock().now().nanoseconds == seven for x in both.nodes))
    words = "callback of /clock raised ValueError: Seconds value must not be negative"
    for node in both.nodes:
        assert both.reported(node, words) == (b"\1", {"failed": "3", "latest": words})
    log = capfd.readouterr().err
    for name in ("segmentation_node", "overlay_node"):
        for service in SET:
            assert f"[{name}]: callback of {name}/{service}: raised ValueError: 200" in log
    assert log.count("Seconds value must not be negative; the node continues") == 2


def test_nodes_outlive_hostile_requests_of_every_service_and_every_clock(both):
    segmentation = both.nodes[0]
    before = {
        name: segmentation.get_parameter(name)
        for name in segmentation.list_parameters([], 0).names
        if not segmentation.describe_parameter(name).read_only
    }
    both.transition(Transition.TRANSITION_CONFIGURE)
    both.transition(Transition.TRANSITION_ACTIVATE)
    for seed, node in enumerate(both.nodes):
        hostile = Hostile(seed, ["use_sim_time", "route", "alpha", "std_msgs/msg/String"])
        found = both.peer.get_service_names_and_types_by_node(node.get_name(), "/")
        assert len(found) >= 6
        silent = 0
        for name, (type_name,) in found:
            package, _, kind = type_name.split("/")
            service = getattr(importlib.import_module(f"{package}.srv"), kind)
            client = both.client(service, name)
            for _ in range(ROUNDS):
                request = hostile.message(service.Request)
                if service is ChangeState:  # who has obeyed an order to shut down serves no more
                    request.transition.id %= Transition.TRANSITION_UNCONFIGURED_SHUTDOWN
                silent += not both.dealt_with(node, client.call_async(request))
        assert silent <= len(found)  # the first answer after discovery may be lost
        both.set(node, value(type=1, bool_value=True))
    clock = both.peer.create_publisher(Clock, "/clock", 1)
    assert both.until(lambda: clock.get_subscription_count() == 2)
    hostile = Hostile(2)
    for sent in range(10 * ROUNDS):  # a busy machine receives few of them
        clock.publish(hostile.message(Clock))
        both.until(lambda: False, 0.02)
        if sent >= ROUNDS and all(both.failed(node) > 5 for node in both.nodes):
            break
    assert all(both.failed(node) > 5 for node in both.nodes)

    both.transition(Transition.TRANSITION_DEACTIVATE)
    both.transition(Transition.TRANSITION_CLEANUP)
    both.set(segmentation, *(x.to_parameter_msg() for x in before.values()))
    assert both.transition(Transition.TRANSITION_CONFIGURE)
    assert both.transition(Transition.TRANSITION_ACTIVATE)
    camera = both.peer.create_publisher(Image, "image", RELIABLE)
    drawn = []
    both.peer.create_subscription(Image, "overlay_node/color_mask", drawn.append, RELIABLE)
    assert both.until(lambda: camera.get_subscription_count() == 2)
    for second in range(20):
        camera.publish(image(picture(), second))
        if both.until(lambda: drawn, 0.5):
            break
    assert drawn


class Listener(Node):
    """A node that hears texts and counts errors."""

    def __init__(self, name="listener"):
        super().__init__(name)
        self.heard = []
        self.callback_errors = CallbackErrors(self.get_logger().error)
        self.text = self.create_subscription(String, "text", self.hear, 10)

    def hear(self, message):
        self.heard.append(message.data)


def test_message_that_could_not_be_taken_locks_nothing(graph):
    """rclpy leaves the callback group of the node locked then, and the node deaf for ever."""
    it = graph(lambda: [Listener()])
    (listener,) = it.nodes
    listener.text.msg_type = None
    assert it.until_sent("first", lambda: it.failed(listener) > 0)
    listener.text.msg_type = String
    assert it.until_sent("next", lambda: "next" in listener.heard)


def test_callback_that_destroys_itself_and_fails_is_survived(graph):
    it = graph(lambda: [Listener()])
    (listener,) = it.nodes

    def vanish():
        listener.destroy_timer(timer)
        raise ZeroDivisionError

    timer = listener.create_timer(0.01, vanish)
    assert it.until(lambda: it.failed(listener) == 1)
    assert it.until_sent("next", lambda: listener.heard)
    assert it.failed(listener) == 1


def test_spin_survives_where_that_of_rclpy_does_without_spin_once(graph, monkeypatch):
    """As in Jazzy since 7.1.9 and in Lyrical; an executor that was shut down ends its loop."""
    monkeypatch.setattr(Executor, "spin", lambda executor: executor._spin_once_impl())
    it = graph(lambda: [Listener()])
    (listener,) = it.nodes

    def fail():
        if it.failed(listener) == 2:
            it.executor.shutdown()
        raise ZeroDivisionError

    listener.create_timer(0.01, fail)
    it.executor.spin()
    assert it.failed(listener) == 3


def test_waits_that_fail_are_tried_again_but_not_for_ever(graph, monkeypatch):
    it = graph(lambda: [Listener()])
    (listener,) = it.nodes
    with monkeypatch.context() as patch:
        patch.setattr(it.executor, "wait_for_ready_callbacks", lambda **_: 1 / 0)
        for _ in range(MOST_FAILED_WAITS):
            it.executor.spin_once(0.0)
        assert it.failed(listener) == MOST_FAILED_WAITS
        with pytest.raises(ZeroDivisionError):
            it.executor.spin_once(0.0)
    it.until(lambda: False, 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(it.executor, "wait_for_ready_callbacks", lambda **_: 1 / 0)
        it.executor.spin_once(0.0)
    assert it.failed(listener) == MOST_FAILED_WAITS + 1


def test_errors_of_a_node_that_does_not_count_them_are_raised(graph):
    it = graph(lambda: [rclpy.create_node("plain")])
    it.nodes[0].create_timer(0.01, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        it.until(lambda: False, 2.0)
