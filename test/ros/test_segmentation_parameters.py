# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters as other nodes see them: described, ranged, and changed all or not at all."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

import rclpy
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, SetParameters, SetParametersAtomically
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_msgs.msg import String
from support.segmentation_graph import NAME, image, picture, pixels_of

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.parameter_table import fields, kind, ros_name, row
from nightseg_ros.ros.settings import Settings

pytestmark = pytest.mark.ros


def call(graph, service, kind_of_service, request):
    client = graph.peer.create_client(kind_of_service, f"{NAME}/{service}")
    assert graph.until(client.service_is_ready)
    future = client.call_async(request)
    assert graph.until(future.done)
    return future.result()


def set_together(graph, **values):
    """Set parameters in one go, as another node would; return success and reason."""
    request = SetParametersAtomically.Request()
    request.parameters = [
        Parameter(name, value=value).to_parameter_msg() for name, value in values.items()
    ]
    result = call(graph, "set_parameters_atomically", SetParametersAtomically, request).result
    return result.successful, result.reason


def test_table_is_what_others_are_reported(start):
    graph = start(up=False)
    request = DescribeParameters.Request(names=[ros_name(field) for field in fields(Settings)])
    logged = call(graph, "describe_parameters", DescribeParameters, request).descriptors
    types = {
        "bool": ParameterType.PARAMETER_BOOL,
        "integer": ParameterType.PARAMETER_INTEGER,
        "double": ParameterType.PARAMETER_DOUBLE,
        "string": ParameterType.PARAMETER_STRING,
        "string_array": ParameterType.PARAMETER_STRING_ARRAY,
    }
    for field, descriptor in zip(fields(Settings), logged, strict=True):
        about = row(field)
        assert descriptor.name == ros_name(field)
        assert descriptor.type == types[kind(field)]
        assert descriptor.description == about.description
        assert not descriptor.read_only  # which would hold while the node is unconfigured too
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert [(x.from_value, x.to_value) for x in ranges] == (
            [] if about.limits is None else [about.limits]
        )
        assert all(choice in descriptor.additional_constraints for choice in about.choices)


def test_shipped_file_starts_the_node(repository, models_dir):
    from nightseg_ros.ros.segmentation_node import SegmentationNode

    file = repository / "config" / "nightseg.yaml"
    rclpy.init(args=["--ros-args", "--params-file", str(file), "-p", f"models_dir:={models_dir}"])
    node = SegmentationNode()
    try:
        assert node.settings == Settings(models_dir=str(models_dir))
    finally:
        node.destroy_node()
        rclpy.shutdown()


def test_whole_number_for_a_double_starts_the_node(start):
    graph = start(up=False, confidence_threshold=1, max_rate_hz=5)
    assert graph.node.settings.confidence_threshold == 1.0
    assert graph.node.settings.max_rate_hz == 5.0
    assert set_together(graph, max_rate_hz=7) == (True, "")
    assert graph.node.settings.max_rate_hz == 7.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"route": "dusk"}, "route: 'dusk' is not one of auto, day, night, translate"),
        ({"route": 1}, "route: 1 is not of type string"),
        ({"confidence_threshold": 1.5}, "confidence_threshold"),
        ({"confidence_threshold": "high"}, "confidence_threshold: 'high' is not of type double"),
        ({"confidence_threshold": float("nan")}, "confidence_threshold"),
        ({"dark_below": 0.99, "bright_above": 0.9}, "bright_above must be the larger"),
        ({"engine": "onnxruntime"}, "engine: read by configure only: clean up"),
        ({"cameras": ["front"]}, "cameras: read by configure only: clean up"),
        ({"route": "night", "threads": 1, "engine": "auto"}, "engine, threads: read by"),
        ({"route": "night", "max_rate_hz": -1.0}, "max_rate_hz"),
        ({"max_rate_hz": 3.0, "route": "dusk"}, "route"),
    ],
)
def test_refusal_has_a_reason_and_changes_nothing(start, values, words):
    graph = start()
    before = graph.node.settings, graph.session.models.pipeline.settings
    stored = {name: graph.node.get_parameter(name).value for name in values}
    successful, reason = set_together(graph, **values)
    assert not successful
    assert words in reason
    assert (graph.node.settings, graph.session.models.pipeline.settings) == before
    for name, value in stored.items():
        assert graph.node.get_parameter(name).value == value


def test_what_configure_reads_is_settable_until_then_and_after_cleanup(
    start, tmp_path, write_models
):
    graph = start(up=False, models_dir=tmp_path / "nowhere")
    assert graph.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    folder = str(write_models(tmp_path / "models"))
    assert set_together(graph, models_dir=folder, cameras=["front"]) == (True, "")
    assert graph.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert list(graph.session.inputs) == ["front"]
    assert graph.node.get_parameter("models_dir").value == folder
    successful, reason = set_together(graph, cameras=["left"], models_dir=folder)
    assert (successful, reason.partition(":")[0]) == (False, "cameras")  # the other is as it was
    assert set_together(graph, cameras=["front"], models_dir=folder) == (True, "")
    assert graph.node.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
    assert set_together(graph, cameras=["left"]) == (True, "")
    assert graph.node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert list(graph.session.inputs) == ["left"]


def test_parameter_cannot_be_taken_off_the_node(start):
    graph = start(up=False)
    request = SetParameters.Request(
        parameters=[ParameterMessage(name=name) for name in ("cameras", "route")]
    )
    for result in call(graph, "set_parameters", SetParameters, request).results:
        assert not result.successful
        assert "cannot be unset" in result.reason
    assert graph.node.get_parameter("cameras").value == [""]


def test_settings_that_cannot_be_applied_are_refused_and_the_old_ones_stay(start, monkeypatch):
    graph = start()
    before = graph.node.settings

    def fail(*_, **__):
        raise NightsegError("the engines were exchanged meanwhile")

    monkeypatch.setattr(graph.session, "apply", fail)
    successful, reason = set_together(graph, max_rate_hz=5.0)
    assert (successful, reason) == (False, "the engines were exchanged meanwhile")
    assert graph.node.settings == before
    assert graph.node.get_parameter("max_rate_hz").value == 0.0


def test_pace_of_the_diagnostics_changes_immediately(start):
    graph = start(up=False)
    assert set_together(graph, **{"diagnostics.period_s": 60.0}) == (True, "")
    graph.settle(0.3)
    graph.statuses.clear()
    graph.settle(0.3)
    assert graph.statuses == {}
    assert set_together(graph, **{"diagnostics.period_s": 0.05}) == (True, "")
    assert graph.status("lifecycle")


def test_route_without_its_model_is_refused_at_run_time(start, tmp_path, write_models):
    folder = write_models(tmp_path, roles=("day", "night"))
    graph = start(models_dir=folder)
    successful, reason = set_together(graph, route="translate", max_rate_hz=5.0)
    assert not successful
    assert "no models for route translate; the loaded models allow day, night" in reason
    assert graph.node.settings.max_rate_hz == 0.0
    assert set_together(graph, route="night") == (True, "")


def test_one_bad_of_several_single_settings_fails_alone(start):
    """`ros2 param load` sets each value by itself; its answers must show which one failed."""
    graph = start()
    request = SetParameters.Request()
    request.parameters = [
        Parameter("route", value="night").to_parameter_msg(),
        Parameter("max_rate_hz", value=-1.0).to_parameter_msg(),
    ]
    results = call(graph, "set_parameters", SetParameters, request).results
    assert [result.successful for result in results] == [True, False]
    assert graph.node.settings.route == "night"


def test_route_is_switched_at_run_time(start):
    graph = start()
    camera, masks, routes = graph.camera(), graph.watch(), graph.watch("route", String)
    graph.connected(camera)
    pixels = picture()
    for second, route in enumerate(("night", "translate", "day")):
        assert set_together(graph, route=route) == (True, "")
        masks.clear()
        camera.publish(image(pixels, second))
        assert graph.got(masks)
        assert graph.got(routes, second + 1)
        assert routes[-1].data == route
        brighter = np.minimum(pixels.astype(int) + 64, 255) if route == "translate" else pixels
        np.testing.assert_array_equal(pixels_of(masks[0]), brighter[..., 1] // 8 % 19)
    assert graph.status("route")[2]["reason"] == "set by parameter"


def test_route_fused_is_there_where_its_model_is_named(start, tmp_path, write_models):
    folder = write_models(tmp_path, roles=("day", "night", "fused"))
    graph = start(models_dir=folder, fused_model="fused")
    camera, masks, routes = graph.camera(), graph.watch(), graph.watch("route", String)
    graph.connected(camera)
    for second, route in enumerate(("auto", "fused")):
        assert set_together(graph, route=route) == (True, "")
        camera.publish(image(picture(level=10), second))
        assert graph.got(masks, second + 1)
        assert graph.got(routes, second + 1)
    assert [route.data for route in routes] == ["night", "fused"]
    np.testing.assert_array_equal(pixels_of(masks[1]), picture(level=10)[..., 1] // 8 % 19)


def test_auto_takes_night_in_the_dark_and_keeps_a_route_for_its_dwell_time(start):
    graph = start(min_dwell_s=30.0, smoothing_s=0.0)
    camera, routes = graph.camera(), graph.watch("route", String)
    graph.connected(camera)
    for second, level in enumerate((10, 256)):
        camera.publish(image(picture(level=level), second))
        assert graph.got(routes, second + 1)
    assert [route.data for route in routes] == ["night"] * 2
    assert "day in" in graph.status("route")[2]["reason"]
    assert set_together(graph, min_dwell_s=0.0) == (True, "")
    camera.publish(image(picture(), 9))
    assert graph.got(routes, 3)
    assert routes[-1].data == "day"


def test_latency_budget_rules_a_slow_route_out(start):
    graph = start(latency_budget_ms=20.0, fake_delay_ms=15.0, min_dwell_s=0.0)
    for name in ("translator", "day"):
        graph.engines[name].delay_s = 0.015
    graph.engines["night"].delay_s = 0.06
    camera, routes = graph.camera(), graph.watch("route", String)
    graph.connected(camera)
    for second in range(11):  # a route is judged after five frames
        camera.publish(image(picture(level=10), second))
        assert graph.got(routes, second + 1)
    assert list(dict.fromkeys(route.data for route in routes)) == ["night", "day"]
    assert "over the budget of 20 ms: night takes" in graph.status("route")[2]["reason"]


def test_threshold_is_taken_over_and_reported(start):
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    assert set_together(graph, confidence_threshold=1) == (True, "")
    camera.publish(image(np.zeros((48, 64, 3), np.uint8)))
    assert graph.got(masks)
    assert (pixels_of(masks[0]) == 255).all()


def test_misspelt_parameter_is_reported_with_what_may_be_meant(start, capfd):
    start(up=False, rout="night", alpha=0.5)
    log = capfd.readouterr().err
    assert "ignored parameter rout: there is no such parameter; did you mean route?" in log
    assert "alpha" not in log
