# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Transitions do what they promise, can be repeated, and log why they fail."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn
from support.segmentation_graph import NAME, image, picture

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros import session as session_module

pytestmark = pytest.mark.ros

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


def published(graph):
    return graph.peer.count_publishers("/segmentation_node/mask") == 1


def entities(node):
    kinds = (node.publishers, node.subscriptions, node.timers, node.services, node.waitables)
    return [len(list(kind)) for kind in kinds]


def workers():
    return [thread for thread in threading.enumerate() if thread.name == "nightseg_worker"]


class Manager:
    """A lifecycle manager: it only knows the services."""

    def __init__(self, graph):
        self.graph = graph
        self.change = graph.peer.create_client(ChangeState, f"{NAME}/change_state")
        self.get = graph.peer.create_client(GetState, f"{NAME}/get_state")
        assert graph.until(self.change.service_is_ready)

    def call(self, client, request):
        future = client.call_async(request)
        assert self.graph.until(future.done)
        return future.result()

    def __call__(self, transition):
        request = ChangeState.Request()
        request.transition.id = transition
        return self.call(self.change, request).success

    @property
    def state(self):
        return self.call(self.get, GetState.Request()).current_state.label


def test_lifecycle_through_its_services(start):
    graph = start(up=False)
    manager = Manager(graph)
    assert manager.state == "unconfigured"
    assert not published(graph)
    assert workers() == []

    assert manager(Transition.TRANSITION_CONFIGURE)
    assert manager.state == "inactive"
    assert graph.until(lambda: published(graph))
    assert len(workers()) == 1

    camera, masks = graph.camera(), graph.watch()
    graph.settle(0.5)
    assert camera.get_subscription_count() == 0

    assert manager(Transition.TRANSITION_ACTIVATE)
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.got(masks)

    assert manager(Transition.TRANSITION_DEACTIVATE)
    assert manager.state == "inactive"
    assert graph.until(lambda: camera.get_subscription_count() == 0)
    assert len(workers()) == 1

    assert manager(Transition.TRANSITION_CLEANUP)
    assert manager.state == "unconfigured"
    assert workers() == []
    assert graph.until(lambda: not published(graph))

    assert manager(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert manager.state == "finalized"


def test_cycles_leave_nothing_behind(start):
    graph = start(up=False)
    camera, masks = graph.camera(), graph.watch()
    before = entities(graph.node)
    engines = []
    for second in range(4):
        assert graph.node.trigger_configure() == SUCCESS
        engines.append(weakref.ref(graph.engines["day"]))
        for _ in range(2):
            assert graph.node.trigger_activate() == SUCCESS
            graph.connected(camera)
            masks.clear()
            camera.publish(image(picture(), second))
            assert graph.got(masks)
            assert graph.node.trigger_deactivate() == SUCCESS
            assert graph.until(lambda: camera.get_subscription_count() == 0)
        assert graph.node.trigger_cleanup() == SUCCESS
        assert graph.session is None
    assert entities(graph.node) == before
    gc.collect()
    assert [engine() for engine in engines] == [None] * 4


def test_destroyed_node_leaves_the_graph_without_garbage_collection(start):
    def threads_of_process():  # those of Fast DDS are not Python's
        return len(list(Path("/proc/self/task").iterdir()))

    start(up=False).close()  # what is loaded once
    gc.collect()
    before = threads_of_process()
    gc.disable()
    try:
        graph = start(up=False)
        during = threads_of_process()
        graph.close()
        after = threads_of_process()
    finally:
        gc.enable()
    assert after <= before < during


def test_configure_with_a_missing_model_reports_why_and_can_be_repeated(
    start, tmp_path, write_models, capfd
):
    graph = start(up=False, models_dir=tmp_path / "models")
    for _ in range(2):
        assert graph.node.trigger_configure() == FAILURE
    level, message, _ = graph.status("lifecycle")
    assert level == 2
    assert str(tmp_path / "models") in message
    assert workers() == []
    log = capfd.readouterr().err
    assert "could not configure: " in log
    assert f"no models folder {tmp_path / 'models'}" in log

    write_models(tmp_path / "models")
    assert graph.node.trigger_configure() == SUCCESS
    assert graph.node.trigger_activate() == SUCCESS
    assert graph.status("lifecycle")[:2] == (0, "active")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "day/model.onnx").write_bytes(b"other"), "sha256 of model.onnx is"),
        (lambda f: (f / "day/model.yaml").write_text("format: 9"), "format is 9"),
        (lambda f: (f / "night/model.onnx").unlink(), "cannot read model.onnx"),
    ],
)
def test_configure_with_a_damaged_model(start, tmp_path, write_models, capfd, damage, words):
    folder = write_models(tmp_path / "models")
    damage(folder)
    graph = start(up=False, models_dir=folder)
    assert graph.node.trigger_configure() == FAILURE
    log = capfd.readouterr().err
    assert words in log
    assert str(folder) in log
    write_models(folder)
    assert graph.node.trigger_configure() == SUCCESS


def test_unexpected_error_is_logged_with_its_trace_and_the_node_recovers(start, monkeypatch, capfd):
    graph = start(up=False)

    def load_models(*_):
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(session_module, "load_models", load_models)
        assert graph.node.trigger_configure() == TransitionCallbackReturn.ERROR
    log = capfd.readouterr().err
    assert "could not configure: ZeroDivisionError: a bug" in log
    assert "Traceback" in log
    cause = (2, "could not configure: ZeroDivisionError: a bug")
    assert graph.status("lifecycle")[:2] == cause  # although the node has recovered from it
    assert graph.node.trigger_configure() == SUCCESS
    assert graph.status("lifecycle")[:2] == (0, "inactive")


@pytest.mark.parametrize(
    "topic", ["/segmentation_node/color_mask.publisher", "/image.subscription"]
)
def test_bad_qos_override_reports_which_topic_and_leaves_nothing_behind(start, capfd, topic):
    graph = start(up=False, lazy=False, **{f"qos_overrides.{topic}.reliability": "sometimes"})
    before = entities(graph.node)
    configured = graph.node.trigger_configure() == SUCCESS
    assert configured == ("image" in topic)  # cameras are subscribed later
    if configured:
        assert graph.node.trigger_activate() == FAILURE
        graph.settle(1.2)
        assert graph.status("lifecycle")[0] == 2
        assert graph.status("input")[1] == "not subscribed: the node is inactive"
        assert graph.node.trigger_cleanup() == SUCCESS
    assert f"topic {topic.partition('.')[0]} cannot be opened" in capfd.readouterr().err
    assert entities(graph.node) == before
    assert workers() == []


def test_camera_that_cannot_be_subscribed_later_does_not_end_the_node(start, capfd):
    graph = start(**{"qos_overrides./image.subscription.reliability": "sometimes"})
    graph.watch()
    graph.settle(1.5)
    assert capfd.readouterr().err.count("cameras: topic /image cannot be opened") == 1
    assert graph.status("lifecycle")[:2] == (0, "active")


def test_callbacks_may_be_called_twice(start):
    graph = start(up=False)
    state = None
    for callback in (
        *(graph.node.on_configure, graph.node.on_configure),
        *(graph.node.on_activate, graph.node.on_activate),
        *(graph.node.on_deactivate, graph.node.on_deactivate),
        *(graph.node.on_cleanup, graph.node.on_cleanup),
        *(graph.node.on_shutdown, graph.node.on_shutdown),
    ):
        assert callback(state) == SUCCESS
    assert workers() == []
    assert graph.node.on_activate(state) == FAILURE  # nothing was configured


def test_deactivate_lets_the_frame_under_way_end_and_counts_the_rest(start):
    graph = start(fake_delay_ms=1500.0, allowed_routes="[day]")
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for second in range(3):
        camera.publish(image(picture(), second))
        graph.settle(0.03)
    assert graph.counts().in_flight == 2
    assert graph.node.trigger_deactivate() == SUCCESS
    counts = graph.counts()
    assert (counts.received, counts.published, counts.dropped) == (3, 1, 2)
    assert graph.got(masks)
    assert [mask.header.stamp.sec for mask in masks] == [0]


def test_shutdown_from_active_frees_the_engines(start):
    graph = start()
    assert graph.node.trigger_shutdown() == SUCCESS
    assert workers() == []


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ({"route": "dusk"}, "route: 'dusk' is not one of"),
        ({"threads": -1}, "threads"),
        ({"threads": 2.5}, "threads: 2.5 is not of type integer"),
        ({"confidence_threshold": 7.0}, "confidence_threshold"),
        ({"cameras": "[a, a]"}, "contains a name twice"),
        ({"lazy": "maybe"}, "lazy: 'maybe' is not of type bool"),
    ],
)
def test_node_does_not_start_with_a_bad_parameter(start, parameter, words):
    with pytest.raises(NightsegError, match=words):
        start(**parameter)
