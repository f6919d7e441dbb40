# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Image and label files, sound and broken, in every way that PNG can hold ids."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from nightseg_ros.datasets.image_files import read_image, read_label
from nightseg_ros.errors import NightsegError


def png(ids, depth, kind, palette=b""):
    """Return a PNG by its specification, so that no library's habits are tested."""
    height, width = ids.shape
    bits = np.unpackbits(ids[..., None], axis=2, bitorder="big")[..., 8 - depth :]
    rows = [b"\0" + np.packbits(row.reshape(-1)).tobytes() for row in bits]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", header)]
    if palette:
        chunks += [(b"PLTE", palette), (b"tRNS", b"\0\x80")]
    chunks += [(b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.fixture
def ids():
    return np.random.default_rng(0).integers(0, 2, (9, 13)).astype(np.uint8)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("kind", ["grey", "palette"])
def test_ids_are_read_as_they_are_stored(tmp_path, depth, kind):
    ids = np.random.default_rng(depth).integers(0, 2**depth, (9, 13)).astype(np.uint8)
    # Every id is shown white, so the colours do not distinguish them.
    palette = b"\xff" * 3 * 2**depth if kind == "palette" else b""
    path = tmp_path / "label.png"
    path.write_bytes(png(ids, depth, 3 if palette else 0, palette))
    np.testing.assert_array_equal(read_label(path), ids)


def test_a_palette_written_by_another_library(tmp_path, ids):
    image = pytest.importorskip("PIL.Image")
    picture = image.fromarray(ids * 65, mode="P")
    picture.putpalette([7, 8, 9] * 66)
    picture.save(tmp_path / "label.png")
    np.testing.assert_array_equal(read_label(tmp_path / "label.png"), ids * 65)


def test_three_equal_channels_are_ids(tmp_path, ids):
    cv2.imwrite(str(tmp_path / "label.png"), np.repeat(ids[..., None], 3, axis=2))
    np.testing.assert_array_equal(read_label(tmp_path / "label.png"), ids)


def test_sixteen_bits_are_ids_as_long_as_they_fit(tmp_path, ids):
    path = tmp_path / "label.png"
    cv2.imwrite(str(path), ids.astype(np.uint16))
    np.testing.assert_array_equal(read_label(path), ids)
    cv2.imwrite(str(path), ids.astype(np.uint16) + 299)
    with pytest.raises(NightsegError, match="label id 300 exceeds 8 bits"):
        read_label(path)


def test_colours_are_refused_as_labels(tmp_path):
    path = tmp_path / "label.png"
    cv2.imwrite(str(path), np.full((4, 4, 3), (1, 2, 3), np.uint8))
    with pytest.raises(NightsegError, match="colours, not ids"):
        read_label(path)


def test_jpeg_is_refused_as_label(tmp_path, frame):
    with pytest.raises(NightsegError, match="must be PNG"):
        read_label(frame(tmp_path / "label.jpg"))


def test_images_are_rgb(tmp_path):
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((4, 4, 3), (0, 0, 255), np.uint8))
    assert read_image(path)[0, 0].tolist() == [255, 0, 0]


def test_grey_images_have_three_channels(tmp_path):
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((4, 6), 77, np.uint8))
    assert read_image(path).shape == (4, 6, 3)


def test_orientation_tag_does_not_turn_the_image_away_from_its_label(tmp_path, frame):
    path = frame(tmp_path / "a.jpg", size=(12, 16))
    data = path.read_bytes()
    # An EXIF block: rotate by 90 degrees.
    tiff = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + b"\0\0\0\0"
    block = b"Exif\0\0" + tiff
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    assert cv2.imread(str(path)).shape == (16, 12, 3)  # the tag is understood ...
    assert read_image(path).shape == (12, 16, 3)  # ... and not followed


@pytest.mark.parametrize("ending", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_cut_off_file_is_refused(tmp_path, frame, ending, share):
    path = frame(tmp_path / f"a{ending}", size=(60, 80))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(NightsegError, match="cut off after"):
        read_image(path)


def test_bytes_behind_the_end_do_no_harm(tmp_path, frame):
    path = frame(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    assert read_image(path).shape == (12, 16, 3)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), (b"", "is empty"), (b"hello", "not an image")],
)
def test_what_is_no_image_is_named_with_the_cause(tmp_path, content, said):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NightsegError, match=said) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_a_damaged_png_is_refused(tmp_path, label):
    path = label(tmp_path / "a.png", 0, 1, 2)
    data = bytearray(path.read_bytes())
    at = data.index(b"IDAT") + 8
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(NightsegError, match="damaged"):
        read_label(path)
