# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A consumer that behaves as Nav2's semantic_segmentation_layer says of itself.

From its README and parameters: mask, confidence and cloud come as sensor data (best effort) with a
depth of 50, LabelInfo reliable and latched. The three are put together where their stamps are
equal. A triple is dropped if its sizes differ or no LabelInfo has come; an error is logged for a
class name that the parameters do not have. Points that are not finite are skipped; the others are
taken from the frame of the cloud, whose origin is the sensor, to the global frame.
"""

from __future__ import annotations

import numpy as np
import pytest
import yaml

pytest.importorskip("rclpy", reason="needs rclpy")

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from support.segmentation_graph import image, pixels_of, stamp

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.ros import transforms
from nightseg_ros.ros.label_topics import UNLABELED
from nightseg_ros.ros.qos import latched

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("messages")]

SENSOR_DATA = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=50,
    reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE,
)
LATCHED = QoSProfile(
    depth=5,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
ROAD, CAR, SKY = 0, 13, 10
HEIGHT_M, FOCAL = 1.2, 60.0


@pytest.fixture(scope="module")
def layer(repository):
    """Return the parameters of the layer in our sample."""
    file = repository / "config" / "nav2" / "segmentation_layer.yaml"
    costmap = yaml.safe_load(file.read_text(encoding="utf-8"))["local_costmap"]["local_costmap"]
    return costmap["ros__parameters"]["segmentation_layer"]["camera"]


def known(layer):
    return [name for kind in layer["class_types"] for name in layer[kind]["classes"]]


class Layer:
    """Synchronises and checks as the layer does; `triples` are those that it would use."""

    def __init__(self, graph, layer):
        from vision_msgs.msg import LabelInfo

        self.graph, self.known, self.errors = graph, known(layer), []
        self.labels, self.parts, self.triples = {}, {}, []
        subscribe = graph.peer.create_subscription
        subscribe(LabelInfo, layer["labels_topic"], self._on_labels, LATCHED)
        for part, kind in (("segmentation", Image), ("confidence", Image)):
            topic = layer[f"{part}_topic"]
            subscribe(kind, topic, lambda m, part=part: self._on(part, m), SENSOR_DATA)
        topic = layer["pointcloud_topic"]
        subscribe(PointCloud2, topic, lambda m: self._on("points", m), SENSOR_DATA)

    def _on_labels(self, info):
        for one in info.class_map:
            if one.class_name in self.known:
                self.labels[one.class_id] = one.class_name
            else:
                self.errors.append(one.class_name)

    def _on(self, part, message):
        at = (message.header.stamp.sec, message.header.stamp.nanosec)
        parts = self.parts.setdefault(at, {})
        parts[part] = message
        if len(parts) == 3:
            mask, cloud = parts["segmentation"], parts["points"]
            pixels = mask.width * mask.height
            assert pixels == cloud.width * cloud.height, "sizes are different"
            assert len(mask.data) >= pixels
            assert self.labels, "no LabelInfo has been received"
            self.triples.append((mask, parts["confidence"], cloud))


def scene(height=48, width=64):
    """Return an image that the fake engine sees as sky, a car, and road: class = green // 8."""
    green = np.full((height, width), 8 * SKY, np.uint8)
    green[height // 2 :] = 8 * ROAD
    green[18:36, 20:40] = 8 * CAR
    return np.dstack([np.full_like(green, 200), green, np.full_like(green, 200)])


def geometry(graph, height=48, width=64):
    """Publish calibration and mount of the camera as drivers do; return the publishers."""
    from geometry_msgs.msg import TransformStamped

    info = graph.camera("camera_info", CameraInfo)
    fixed = graph.peer.create_publisher(transforms.TFMessage, "/tf_static", latched())
    mount = TransformStamped(child_frame_id="camera_optical")
    mount.header.frame_id = "base_footprint"
    mount.transform.translation.z = HEIGHT_M
    rotation = mount.transform.rotation
    rotation.x, rotation.y, rotation.z, rotation.w = -0.5, 0.5, -0.5, 0.5
    fixed.publish(transforms.TFMessage(transforms=[mount]))
    message = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.0] * 5)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    message.k = [FOCAL, 0.0, cx, 0.0, FOCAL, cy, 0.0, 0.0, 1.0]
    return info, message, fixed


def xyz(cloud):
    names = [field.name for field in cloud.fields]
    assert names[:3] == ["x", "y", "z"]
    assert all(field.datatype == PointField.FLOAT32 for field in cloud.fields[:3])
    assert [field.offset for field in cloud.fields] == [0, 4, 8, 12]
    assert cloud.row_step == cloud.width * cloud.point_step
    assert len(cloud.data) == cloud.height * cloud.row_step
    assert not cloud.is_dense
    values = np.frombuffer(cloud.data, np.float32).reshape(cloud.height, cloud.width, -1)
    return values[..., :3]


@pytest.fixture
def used(start, layer):
    """Return the layer after it has used a frame."""
    graph = start()
    graph.layer = Layer(graph, layer)
    camera = graph.camera()
    info, calibration, fixed = geometry(graph)
    graph.connected(camera, info, fixed)
    graph.settle(0.3)
    for second in range(1, 40):
        frame = image(scene(), float(second))
        calibration.header = frame.header
        info.publish(calibration)
        camera.publish(frame)
        if graph.until(lambda: graph.layer.triples, 0.5):
            break
    return graph


def test_a_frame_is_used(used):
    mask, confidence, cloud = used.layer.triples[0]
    assert (mask.encoding, confidence.encoding) == ("mono8", "mono8")
    assert mask.header == confidence.header == cloud.header
    assert (cloud.height, cloud.width) == (mask.height, mask.width) == (48, 64)
    assert cloud.header.frame_id == "camera_optical"


def test_every_name_is_known(used):
    assert used.layer.errors == []
    assert used.layer.labels[255] == UNLABELED
    assert len(used.layer.labels) == CITYSCAPES19.count + 1


def test_points_are_where_the_road_and_the_car_are(used):
    mask, _, cloud = used.layer.triples[0]
    classes, places = pixels_of(mask), xyz(cloud)
    assert np.isnan(places[classes == SKY]).all()
    row = 40
    ahead = HEIGHT_M * FOCAL / (row - 23.5)
    np.testing.assert_allclose(places[row, 30, 2], ahead, rtol=1e-4)
    np.testing.assert_allclose(places[row, 30, 1], HEIGHT_M, rtol=1e-4)
    car = places[classes == CAR]
    np.testing.assert_allclose(car[:, 2], HEIGHT_M * FOCAL / 12.0, rtol=1e-4)


def test_nothing_is_computed_or_subscribed_without_a_subscriber(start, monkeypatch):
    from nightseg_ros.ros.points import PointsOutput

    graph = start()
    asked = []
    monkeypatch.setattr(PointsOutput, "fill", lambda *_: asked.append(1))
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    camera.publish(image(scene()))
    assert graph.got(masks)
    assert not asked
    assert graph.peer.count_subscribers("/tf") == 0
    assert graph.peer.count_subscribers("camera_info") == 0


def test_without_a_mount_the_log_says_what_is_missing(start, capfd):
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.watch("points", PointCloud2)
    info = graph.camera("camera_info", CameraInfo)
    graph.connected(camera, info)
    assert graph.until(lambda: "points" in graph.session.outputs[""].watched())
    for second in range(1, 4):
        message = CameraInfo(width=64, height=48)
        stamp(message, float(second))
        info.publish(message)
        graph.settle(0.2)
        camera.publish(image(scene(), float(second)))
        assert graph.got(masks, second), "the mask does not depend on the points"
    said = capfd.readouterr().err
    assert "points could not be published: no transform from camera_optical" in said


def test_the_sample_knows_the_classes_of_every_shipped_model(repository, layer):
    models = [Bundle.load(path.parent) for path in (repository / "models").glob("*/model.yaml")]
    names = {name for model in models if model.labels for name in model.labels.names}
    assert names
    assert names | {UNLABELED} == set(known(layer))
    assert len(known(layer)) == len(set(known(layer)))


def test_the_sample_parameters_are_parameters(repository):
    from nightseg_ros.ros.settings import Settings

    file = repository / "config" / "nav2" / "nightseg.yaml"
    values = yaml.safe_load(file.read_text(encoding="utf-8"))["/**"]["ros__parameters"]
    assert Settings.of(values).output_size == "network"
