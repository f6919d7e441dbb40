# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Malformed images: all of them against the decoding itself, as many through the middleware."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image

from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.perception.image_headers import ImageError
from nightseg_ros.perception.image_messages import (
    DecodedImage,
    decode_compressed,
    decode_image,
    fill_image,
)
from nightseg_ros.perception.pipeline import Pipeline
from nightseg_ros.trials.faults.fault import fault
from nightseg_ros.trials.faults.malformed_images import compressed_images, raw_images
from nightseg_ros.trials.faults.stage import COMPRESSED, RAW, REAL, SMALL, BrokenPromiseError, Stage

if TYPE_CHECKING:
    from nightseg_ros.trials.faults import malformed_images

COUNT, COUNT_SHORT = 5000, 250
"""Of each kind: 10 000 in all."""
SENT, SENT_SHORT = 5000, 60
"""Of each kind through the graph; others than those."""
SENT_REAL = 1000
SEED = 1


def survive(messages: Iterable[Any], decode: Callable[[Any], DecodedImage]) -> dict[str, int]:
    """Decode each message and a good frame after it; raise where one does harm."""
    pipeline = Pipeline({"day": FakeEngine(SMALL)})
    good = np.random.default_rng(0).integers(90, 256, (*SMALL, 3), np.uint8)
    due = pipeline.process(good).mask
    counts = {"refused": 0, "segmented": 0}
    for index, message in enumerate(messages):
        try:
            image = decode(message)
            mask = pipeline.process(image.pixels, image.order).mask
        except ImageError:
            counts["refused"] += 1
        except Exception as error:
            raise BrokenPromiseError(f"malformed image {index}: {error!r}") from error
        else:
            if mask.shape != image.pixels.shape[:2]:
                raise BrokenPromiseError(f"malformed image {index}: mask of shape {mask.shape}")
            counts["segmented"] += 1
        image = decode_image(fill_image(Image(), good, "bgr8"))
        if not np.array_equal(pipeline.process(image.pixels, image.order).mask, due):
            raise BrokenPromiseError(f"the good frame after malformed image {index} went wrong")
    return counts


@fault(
    "malformed raw images",
    f"{COUNT} to the decoding, {SENT} through the graph",
    "image on /camera/image: ",
    settings=(RAW,),
)
def _raw(stage: Stage) -> None:
    counts = survive(raw_images(SEED, COUNT_SHORT if stage.short else COUNT), decode_image)
    _send(stage, [_raw_message(x) for x in raw_images(SEED + 1, _sent(stage))])
    _note(stage, counts)


@fault(
    "malformed JPEG and PNG",
    f"{COUNT} to the decoding, {SENT} through the graph",
    "image on /camera/image/compressed: ",
    settings=(COMPRESSED,),
)
def _compressed(stage: Stage) -> None:
    images = compressed_images(SEED, COUNT_SHORT if stage.short else COUNT)
    counts = survive(images, decode_compressed)
    _send(stage, [_compressed_message(x) for x in compressed_images(SEED + 1, _sent(stage))])
    _note(stage, counts)


@fault(
    "malformed raw images, real engine",
    f"{SENT_REAL} through the graph",
    "image on /camera/image: ",
    settings=(REAL,),
)
def _raw_to_real(stage: Stage) -> None:
    _send(stage, [_raw_message(x) for x in raw_images(SEED + 2, SENT_REAL)])


def _sent(stage: Stage) -> int:
    return SENT_SHORT if stage.short else SENT


def _note(stage: Stage, counts: dict[str, int]) -> None:
    stage.figures = (
        f"{sum(counts.values())} given to the decoding, {counts['refused']} refused, a good frame "
        f"segmented after each; {stage.figures}"
    )


def _send(stage: Stage, messages: list[Any]) -> None:
    """Send all, slowly enough that most arrive: the middleware keeps the newest only."""
    before, good = stage.counted("received"), 0
    for index, message in enumerate(messages):
        stage.observer.send(message)
        stage.turn(0.004)
        if index % 20 == 0:
            stage.observer.send(stage.observer.frame())
            good += 1
            stage.turn(0.03)
    arrived = stage.counted("received") - before
    if arrived < len(messages) / 2:
        raise BrokenPromiseError(f"only {arrived} of {len(messages)} images reached the node")
    stage.figures = (
        f"{len(messages)} and {good} good ones sent through the graph, "
        f"{arrived} of them reached the node"
    )


def _raw_message(image: malformed_images.RawImage) -> Any:
    message = Image(
        height=image.height % 2**32,
        width=image.width % 2**32,
        encoding=image.encoding,
        is_bigendian=image.is_bigendian,
        step=image.step % 2**32,
    )
    message.data = array("B", image.data)
    return _with_header(message, image.stamp, image.frame_id)


def _compressed_message(image: malformed_images.CompressedImage) -> Any:
    message = CompressedImage(format=image.format)
    message.data = array("B", image.data)
    return _with_header(message, image.stamp, image.frame_id)


def _with_header(message: Any, stamp: tuple[int, int], frame_id: str) -> Any:
    message.header.stamp.sec, message.header.stamp.nanosec = stamp
    message.header.frame_id = frame_id
    return message


@fault("damaged messages", "bytes that do not deserialise")
def _cut_messages(stage: Stage) -> None:
    """Bytes that are no message of the type that they claim."""
    good = bytes(serialize_message(stage.observer.frame()))
    generator = np.random.default_rng(SEED)
    for index in range(30 if stage.short else 300):
        data = bytearray(good[: int(generator.integers(len(good)))])
        if index % 2 and len(data) > 40:
            data = bytearray(good)
            data[int(generator.integers(4, 60))] ^= 255
        # What the middleware can still read is an image, with odd fields: the node gets it.
        with contextlib.suppress(Exception):
            stage.observer.witness.expect(deserialize_message(bytes(data), Image))
        stage.observer.camera.publish(bytes(data))
        stage.turn(0.005)
