# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What comes out of the node is, pixel for pixel, what the engine gives on the same image."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Float32, String
from support.fake_models import calibrated
from support.segmentation_graph import expected, image, picture, pixels_of

from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.perception.image_messages import ACCEPTED_ENCODINGS, decode_image
from nightseg_ros.ros.qos import latched

pytestmark = pytest.mark.ros


def test_mask_is_what_the_rule_of_the_fake_engine_reports(start):
    """At the network's own size no resize can hide a fault: class = green // 8 mod 19."""
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    pixels = picture()
    camera.publish(image(pixels, 12.5))
    assert graph.got(masks)
    mask = masks[0]
    np.testing.assert_array_equal(pixels_of(mask), pixels[..., 1] // 8 % 19)
    assert (mask.encoding, mask.step, mask.is_bigendian) == ("mono8", 64, 0)
    assert (mask.header.stamp.sec, mask.header.stamp.nanosec) == (12, 500_000_000)
    assert mask.header.frame_id == "camera_optical"


@pytest.mark.parametrize("size", [(720, 1280), (37, 53), (200, 31), (1, 1), (24, 32)])
def test_every_output_of_a_frame_agrees(start, size):
    graph = start()
    camera = graph.camera()
    masks, confidences = graph.watch("mask"), graph.watch("confidence")
    colors, pngs = graph.watch("color_mask"), graph.watch("mask/compressed", CompressedImage)
    routes, lights = graph.watch("route", String), graph.watch("illumination", Float32)
    seen = (masks, confidences, colors, pngs, routes, lights)
    graph.connected(camera)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == len(seen))
    pixels = picture(*size)
    message = image(pixels, 3.25)
    camera.publish(message)
    assert graph.until(lambda: all(seen))
    mask, confidence = expected(pixels)
    np.testing.assert_array_equal(pixels_of(masks[0]), mask)
    np.testing.assert_array_equal(pixels_of(confidences[0]), confidence)
    assert colors[0].encoding == "rgb8"
    np.testing.assert_array_equal(
        np.frombuffer(colors[0].data, np.uint8).reshape(*size, 3), CITYSCAPES19.palette()[mask]
    )
    assert pngs[0].format == "mono8; png compressed "
    png = cv2.imdecode(np.frombuffer(pngs[0].data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(png, mask)
    assert routes[0].data == "day"
    assert 0.8 < lights[0].data <= 1.0
    for (output,) in (masks, confidences, colors, pngs):
        assert output.header == message.header


def encoded(encoding, height=50, width=70):
    """Return an image message of random bytes in an encoding, its rows padded."""
    bytes_of = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "mono16": 2}
    bytes_of |= dict.fromkeys(("yuv422", "uyvy", "yuv422_yuy2", "yuyv"), 2)
    rows = {"nv12": height * 3 // 2, "nv21": height * 3 // 2, "nv24": height * 3}
    step = width * bytes_of.get(encoding, 1) + 10
    data = np.random.default_rng(1).integers(0, 256, (rows.get(encoding, height), step), np.uint8)
    message = image(data, encoding=encoding)
    message.height, message.width, message.step = height, width, step
    return message


def test_all_encodings_with_padded_rows(start):
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for second, encoding in enumerate(ACCEPTED_ENCODINGS):
        message = encoded(encoding)
        message.header.stamp.sec = second
        masks.clear()
        camera.publish(message)
        assert graph.got(masks), encoding
        decoded = decode_image(message)
        mask, _ = expected(np.ascontiguousarray(decoded.pixels), decoded.order)
        np.testing.assert_array_equal(pixels_of(masks[0]), mask, err_msg=encoding)
        assert masks[0].header == message.header


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_compressed_images(start, kind):
    graph = start(input_transport="compressed")
    camera, masks = graph.camera("image/compressed", CompressedImage), graph.watch()
    graph.connected(camera)
    _, data = cv2.imencode(kind, picture(60, 90))
    message = CompressedImage(format=f"bgr8; {kind[1:]} compressed bgr8", data=data.tobytes())
    message.header.frame_id = "camera_optical"
    camera.publish(message)
    assert graph.got(masks)
    mask, _ = expected(cv2.imdecode(data, cv2.IMREAD_COLOR))
    np.testing.assert_array_equal(pixels_of(masks[0]), mask)
    assert masks[0].header == message.header


def test_size_may_change_from_frame_to_frame(start):
    graph = start()
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    for second, size in enumerate([(60, 80), (30, 40), (60, 80), (90, 30)]):
        pixels = picture(*size, seed=second)
        masks.clear()
        camera.publish(image(pixels, second))
        assert graph.got(masks)
        np.testing.assert_array_equal(pixels_of(masks[0]), expected(pixels)[0])


def calibration(height, width):
    info = CameraInfo(height=height, width=width, distortion_model="plumb_bob")
    info.k = [800.0, 0.0, width / 2, 0.0, 900.0, height / 2, 0.0, 0.0, 1.0]
    info.p = [700.0, 0.0, width / 2, -70.0, 0.0, 710.0, height / 2, 0.0, 0.0, 0.0, 1.0, 0.0]
    info.d = [0.1, -0.2, 0.0, 0.0, 0.0]
    info.roi.x_offset, info.roi.width = 100, 200
    info.roi.y_offset, info.roi.height = 40, 80
    return info


def test_calibration_passes_through_with_the_header_of_the_image(start):
    graph = start()
    camera, calibrations = graph.camera(), graph.camera("camera_info", CameraInfo)
    masks, infos = graph.watch(), graph.watch("camera_info", CameraInfo)
    graph.connected(camera, calibrations)
    info = calibration(240, 320)
    calibrations.publish(info)
    assert graph.until(lambda: graph.session.inputs[""].info)
    message = image(picture(240, 320), 5.0)
    camera.publish(message)
    assert graph.until(lambda: masks and infos)
    assert infos[0].header == message.header == masks[0].header
    info.header = message.header
    assert infos[0] == info


def test_network_size_without_bars_and_with_scaled_calibration(start):
    """320x160 in a 64x48 network is 64x32 between bars; the mask is that and no more."""
    graph = start(output_size="network")
    camera, calibrations = graph.camera(), graph.camera("camera_info", CameraInfo)
    masks, confidences = graph.watch(), graph.watch("confidence")
    infos = graph.watch("camera_info", CameraInfo)
    graph.connected(camera, calibrations)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == 3)
    calibrations.publish(calibration(160, 320))
    assert graph.until(lambda: graph.session.inputs[""].info)
    pixels = picture(160, 320)
    camera.publish(image(pixels))
    assert graph.until(lambda: masks and infos and confidences)
    # The 5x5 blocks of equal value in the full mask are the cells of the network.
    mask, confidence = expected(pixels)
    assert (masks[0].width, masks[0].height) == (64, 32)
    np.testing.assert_array_equal(pixels_of(masks[0]), mask[2::5, 2::5])
    np.testing.assert_array_equal(np.kron(mask[2::5, 2::5], np.ones((5, 5), np.uint8)), mask)
    np.testing.assert_array_equal(pixels_of(confidences[0]), confidence[2::5, 2::5])
    info = infos[0]
    assert (info.width, info.height) == (64, 32)
    np.testing.assert_allclose(info.k, [160, 0, 32, 0, 180, 16, 0, 0, 1])
    np.testing.assert_allclose(info.p, [140, 0, 32, -14, 0, 142, 16, 0, 0, 0, 1, 0])
    assert list(info.d) == [0.1, -0.2, 0.0, 0.0, 0.0]
    assert (info.roi.x_offset, info.roi.width) == (20, 40)
    assert (info.roi.y_offset, info.roi.height) == (8, 16)


def test_labels_are_there_for_whoever_comes_late(start):
    graph = start(cameras="[front, left]")
    graph.settle(0.2)
    for output in ("labels", "front/labels", "left/labels"):
        seen = graph.watch(output, String, latched())
        assert graph.got(seen), output
        table = json.loads(seen[0].data)
        assert [x["name"] for x in table["classes"]] == list(CITYSCAPES19.names)
        assert table["classes"][0] == {"id": 0, "name": "road", "color": [128, 64, 128]}
        assert table["unlabeled"] == 255


def test_topics_follow_remapping_and_namespace(start):
    graph = start(
        namespace="/vehicle", remap=["image:=/driver/front/image_raw", "~/mask:=/nav/mask"]
    )
    camera = graph.camera("/driver/front/image_raw")
    seen = []
    graph.peer.create_subscription(Image, "/nav/mask", seen.append, 1)
    graph.connected(camera)
    camera.publish(image(picture()))
    assert graph.until(lambda: seen)


def test_low_confidence_becomes_unlabelled(start):
    """The confidence of the fake engine is the red channel."""
    graph = start(confidence_threshold=0.5)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    pixels = picture()
    camera.publish(image(pixels))
    assert graph.got(masks)
    wanted = np.where(pixels[..., 2] < 128, 255, pixels[..., 1] // 8 % 19)
    np.testing.assert_array_equal(pixels_of(masks[0]), wanted)


def test_the_least_certain_pixels_go_until_the_target_error_is_met(start, write_models, tmp_path):
    folder = write_models(tmp_path / "models")
    for role in ("day", "night"):
        calibrated(folder / role)
    graph = start(models_dir=str(folder), target_error=0.2)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)
    pixels = picture()
    camera.publish(image(pixels))
    assert graph.got(masks)
    mask, stay = pixels_of(masks[0]), pixels_of(masks[0]) != 255
    np.testing.assert_array_equal(mask[stay], (pixels[..., 1] // 8 % 19)[stay])
    sure = pixels[..., 2]
    assert 0.19 < (1 - sure[stay] / 255).mean() < 0.201
    assert sure[stay].min() > sure[~stay].max()
    withheld = f"{(~stay).mean():.3f}"
    assert graph.until(lambda: graph.status("route")[2]["withheld"] == withheld)


def test_camera_that_repeats_a_frame_is_reported_and_its_pixels_dropped(start):
    graph = start(drop_invalid=True)
    camera, masks = graph.camera(), graph.watch()
    invalid, visibility = graph.watch("invalid_mask"), graph.watch("visibility", Float32)
    graph.connected(camera)
    assert graph.until(lambda: len(graph.session.outputs[""].watched()) == 3)
    pixels = picture()
    for index in range(10):
        camera.publish(image(pixels, 1.0 + index / 10))
        for outputs in (masks, visibility, invalid):
            assert graph.got(outputs, index + 1)
    assert visibility[0].data == 1.0
    assert not pixels_of(invalid[0]).any()
    np.testing.assert_array_equal(pixels_of(masks[0]), pixels[..., 1] // 8 % 19)
    assert visibility[-1].data == 0.0
    assert (pixels_of(invalid[-1]) == 255).all()
    assert (pixels_of(masks[-1]) == 255).all()
    assert invalid[-1].header == masks[-1].header
    assert graph.until(lambda: "frozen" in graph.status("health")[1])


def test_masks_hold_still_where_asked_and_the_stamps_of_the_images_count(start):
    """The class of the fake engine is green // 8, its confidence is red."""
    graph = start(stabilise=True)
    camera, masks = graph.camera(), graph.watch()
    graph.connected(camera)

    def shown(green, red, stamp_s):
        masks.clear()
        camera.publish(image(np.full((48, 64, 3), (0, green, red), np.uint8), stamp_s))
        assert graph.got(masks)
        return set(pixels_of(masks[0]).ravel().tolist())

    assert shown(0, 130, 5.0) == {0}
    assert shown(8, 110, 5.1) == {0}
    assert shown(16, 110, 9.0) == {2}
    assert shown(8, 90, 9.1) == {2}
    (changed,) = graph.node.set_parameters([Parameter("stabilise", value=False)])
    assert changed.successful
    assert shown(0, 80, 9.2) == {0}
