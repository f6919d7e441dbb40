# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every encoding against an independent conversion; every kind of damage refused as ImageError."""

from __future__ import annotations

import contextlib
import struct
import sys
import zlib
from array import array
from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightseg_ros.perception import image_messages
from nightseg_ros.perception.image_headers import ImageError
from nightseg_ros.perception.image_messages import (
    ACCEPTED_ENCODINGS,
    decode_compressed,
    decode_image,
    fill_image,
    fill_png,
)
from nightseg_ros.trials.faults.malformed_images import compressed_images, raw_images

PIXEL_BYTES = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "mono16": 2}
EVEN = ("yuv422", "uyvy", "yuv422_yuy2", "yuyv", "nv12", "nv21")


def message(lines, width, height, encoding, big_endian=False):
    """Return an image message whose data are `lines`, (rows, step) bytes."""
    return SimpleNamespace(
        width=width,
        height=height,
        encoding=encoding,
        step=lines.shape[1],
        is_bigendian=int(big_endian),
        data=array("B", lines.tobytes()),
    )


def padded(rows, padding):
    """Add `padding` bytes of rubbish to each row."""
    return np.pad(rows.reshape(rows.shape[0], -1), ((0, 0), (0, padding)), constant_values=0xAA)


def as_rgb(decoded):
    return decoded.pixels if decoded.order == "rgb" else decoded.pixels[..., ::-1]


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (7, 10, 3), np.uint8)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "stored"),
    [
        ("rgb8", lambda rgb: rgb),
        ("bgr8", lambda rgb: rgb[..., ::-1]),
        ("8UC3", lambda rgb: rgb[..., ::-1]),
        ("rgba8", lambda rgb: np.dstack((rgb, np.full(rgb.shape[:2], 9, np.uint8)))),
        ("bgra8", lambda rgb: np.dstack((rgb[..., ::-1], np.full(rgb.shape[:2], 9, np.uint8)))),
    ],
)
def test_colour_encodings_keep_every_pixel(picture, encoding, stored, padding):
    lines = padded(np.ascontiguousarray(stored(picture)), padding)
    decoded = decode_image(message(lines, 10, 7, encoding))
    np.testing.assert_array_equal(as_rgb(decoded), picture)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_becomes_three_equal_channels(picture, encoding, padding):
    grey = picture[..., 0]
    decoded = decode_image(message(padded(grey, padding), 10, 7, encoding))
    np.testing.assert_array_equal(decoded.pixels, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("big_endian", [False, True])
def test_mono16_keeps_the_high_byte_of_either_byte_order(big_endian, padding):
    values = np.random.default_rng(2).integers(0, 65536, (7, 9), np.uint16)
    stored = values.astype(">u2" if big_endian else "<u2")
    lines = padded(stored.view(np.uint8), padding)
    decoded = decode_image(message(lines, 9, 7, "mono16", big_endian))
    np.testing.assert_array_equal(decoded.pixels[..., 1], values // 256)


def video_rgb(y, u, v):
    """BT.601 with luma 16 to 235, from the textbook, in floating point."""
    y, u, v = (255 / 219) * (y - 16.0), (255 / 224) * (u - 128.0), (255 / 224) * (v - 128.0)
    rgb = np.stack((y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u), axis=-1)
    return rgb.clip(0, 255)


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"])
def test_packed_yuv_matches_the_textbook(encoding, padding):
    rng = np.random.default_rng(3)
    y = rng.integers(16, 236, (4, 8))
    u, v = (np.repeat(rng.integers(16, 241, (4, 4)), 2, axis=1) for _ in range(2))
    chroma = np.where(np.arange(8) % 2, v, u)
    pair = (chroma, y) if encoding in ("yuv422", "uyvy") else (y, chroma)
    lines = padded(np.stack(pair, axis=-1).astype(np.uint8), padding)
    decoded = decode_image(message(lines, 8, 4, encoding))
    np.testing.assert_allclose(as_rgb(decoded), video_rgb(y, u, v), atol=2)


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_semi_planar_yuv_matches_the_textbook(encoding, padding):
    rng = np.random.default_rng(4)
    y = rng.integers(16, 236, (6, 8))
    u, v = rng.integers(16, 241, (3, 4)), rng.integers(16, 241, (3, 4))
    pair = (u, v) if encoding == "nv12" else (v, u)
    lines = padded(np.vstack((y, np.stack(pair, axis=-1).reshape(3, 8))).astype(np.uint8), padding)
    decoded = decode_image(message(lines, 8, 6, encoding))
    wide = [np.repeat(np.repeat(plane, 2, axis=0), 2, axis=1) for plane in (u, v)]
    np.testing.assert_allclose(as_rgb(decoded), video_rgb(y, *wide), atol=2)


@pytest.mark.parametrize("padding", [0, 6])
def test_nv24_matches_the_textbook_at_odd_sizes(padding):
    y, u, v = np.random.default_rng(5).integers(16, 236, (3, 5, 7))
    luma = padded(y.astype(np.uint8), padding)
    chroma = padded(np.stack((u, v), axis=-1).astype(np.uint8), 2 * padding)
    lines = np.concatenate((luma.ravel(), chroma.ravel())).reshape(15, 7 + padding)
    decoded = decode_image(message(lines, 7, 5, "nv24"))
    np.testing.assert_allclose(as_rgb(decoded), video_rgb(y, u, v), atol=2)


@pytest.mark.parametrize("padding", [0, 3])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_patterns_return_an_even_colour(pattern, padding):
    colour = {"r": 200, "g": 90, "b": 30}
    cell = np.array([colour[frame] for frame in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(cell, (4, 5))
    decoded = decode_image(message(padded(mosaic, padding), 10, 8, f"bayer_{pattern}8"))
    assert np.unique(as_rgb(decoded).reshape(-1, 3), axis=0).tolist() == [[200, 90, 30]]


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "8UC3"])
def test_three_channel_images_are_views_even_when_padded(picture, encoding):
    for padding in (0, 4):
        source = message(padded(picture, padding), 10, 7, encoding)
        decoded = decode_image(source)
        assert np.shares_memory(decoded.pixels, np.frombuffer(source.data, np.uint8))
        assert decoded.pixels.flags.c_contiguous == (padding == 0)


@settings(max_examples=200, deadline=None)
@given(
    encoding=st.sampled_from(ACCEPTED_ENCODINGS),
    width=st.integers(1, 33),
    height=st.integers(1, 33),
    padding=st.integers(0, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_padding_never_changes_a_pixel(encoding, width, height, padding, seed):
    if encoding in EVEN:
        width, height = 2 * width, 2 * height
    rows = {"nv12": height * 3 // 2, "nv21": height * 3 // 2, "nv24": height}.get(encoding, height)
    pixel = 2 if encoding in EVEN[:4] else PIXEL_BYTES.get(encoding, 1)
    rng = np.random.default_rng(seed)
    plain = rng.integers(0, 256, (rows, width * pixel), np.uint8)
    wide = padded(plain, padding)
    if encoding == "nv24":
        chroma = rng.integers(0, 256, (height, 2 * width), np.uint8)
        plain = np.concatenate((plain.ravel(), chroma.ravel())).reshape(-1, width)
        wide = np.concatenate((wide.ravel(), padded(chroma, 2 * padding).ravel()))
        wide = wide.reshape(-1, width + padding)
    try:
        expected = decode_image(message(plain, width, height, encoding))
    except ImageError:
        assert encoding.startswith("bayer")  # OpenCV wants a few pixels of these
        return
    assert expected.pixels.shape == (height, width, 3)
    assert expected.pixels.dtype == np.uint8
    decoded = decode_image(message(wide, width, height, encoding))
    np.testing.assert_array_equal(decoded.pixels, expected.pixels)


def bad(**changes):
    values = {"width": 4, "height": 3, "step": 12, "encoding": "rgb8", "is_bigendian": 0}
    values["data"] = array("B", bytes(36))
    values.update(changes)
    return SimpleNamespace(**values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 0}, "4?0x3 is empty"),
        ({"height": 0}, "4x0 is empty"),
        ({"step": 11}, "step 11 is too small for 4 pixels of rgb8, which need 12"),
        ({"step": 0}, "step 0 is too small"),
        ({"data": array("B", bytes(35))}, "needs 36 bytes, the message holds 35"),
        ({"data": array("B", bytes(37))}, "needs 36 bytes, the message holds 37"),
        ({"data": array("B")}, "the message holds 0|not a row of bytes"),
        ({"data": [0] * 36}, "not a row of bytes"),
        ({"encoding": ""}, "encoding '' is unknown; accepted are rgb8, bgr8"),
        ({"encoding": "RGB8"}, "encoding 'RGB8' is unknown"),
        ({"encoding": "32FC1"}, "bayer_grbg8"),
        ({"encoding": "yuyv", "width": 5}, "even"),
        ({"encoding": "nv12", "step": 4}, "even"),
        ({"width": 10_000, "height": 10_000, "step": 30_000}, "10000x10000 is over the limit"),
        ({"width": 2**32 - 1, "height": 2**32 - 1, "step": 2**32 - 1}, "over the limit"),
    ],
)
def test_a_bad_message_is_refused_with_its_cause(changes, said):
    with pytest.raises(ImageError, match=said):
        decode_image(bad(**changes))


def test_an_unknown_encoding_goes_to_cv_bridge_where_there_is_one(monkeypatch):
    class CvBridge:
        def imgmsg_to_cv2(self, source, encoding):
            if source.encoding == "rgb16":
                return np.full((3, 4, 3), 7, np.uint8)
            raise TypeError("no such type")

    monkeypatch.setitem(sys.modules, "cv_bridge", SimpleNamespace(CvBridge=CvBridge))
    assert decode_image(bad(encoding="rgb16")).pixels[0, 0].tolist() == [7, 7, 7]
    with pytest.raises(ImageError, match=r"cv_bridge refused it \(no such type\)"):
        decode_image(bad(encoding="rubbish"))


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(0, 40),
    height=st.integers(0, 40),
    step=st.integers(0, 200),
    encoding=st.sampled_from(ACCEPTED_ENCODINGS) | st.text(max_size=8),
    length=st.integers(0, 9000),
    fits=st.booleans(),
)
def test_random_claims_give_an_image_or_an_image_error(width, height, step, encoding, length, fits):
    length = step * height if fits else length
    source = bad(width=width, height=height, step=step, encoding=encoding)
    source.data = array("B", bytes(length))
    with contextlib.suppress(ImageError):
        assert decode_image(source).pixels.shape == (height, width, 3)


def compressed(data, words="bgr8; jpeg compressed bgr8"):
    return SimpleNamespace(data=array("B", bytes(data)), format=words)


def encode(kind, picture, *options):
    return cv2.imencode(kind, picture, list(options))[1].tobytes()


def smooth(height=48, width=64):
    y, x = np.mgrid[:height, :width]
    return np.dstack((x * 3, y * 4, x + y)).astype(np.uint8)


def test_decompression_bombs_are_refused_before_anything_is_allocated(monkeypatch):
    """Within the limit of pixels, but out of all proportion."""
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    jpeg = encode(".jpg", smooth(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    start = jpeg.index(b"\xff\xc2") + 5
    claims = jpeg[:start] + struct.pack(">HH", 7000, 8000) + jpeg[start + 4 :]
    with pytest.raises(ImageError, match=r"claim to hold 8000x7000 pixels.*decompression bomb"):
        decode_compressed(compressed(claims))
    with pytest.raises(ImageError, match="decompression bomb"):
        decode_compressed(compressed(png_claiming(8000, 7000)))
    scan = jpeg[jpeg.index(b"\xff\xda") : -2]
    passes = jpeg[:start] + struct.pack(">HH", 1000, 2000) + jpeg[start + 4 : -2]
    with pytest.raises(ImageError, match=r"drawn in 610 passes"):
        decode_compressed(compressed(passes + scan * 60 + b"\xff\xd9"))


@pytest.mark.parametrize("options", [(".png",), (".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_black_images_are_no_bombs(options, channels):
    black = np.zeros((1200, 1920, channels), np.uint8)
    kind, *rest = options
    assert decode_compressed(compressed(encode(kind, black, *rest))).pixels.shape == (1200, 1920, 3)


@pytest.mark.parametrize(
    ("images", "decode"),
    [(raw_images, decode_image), (compressed_images, decode_compressed)],
    ids=["raw", "compressed"],
)
def test_malformed_images_are_refused_or_are_images(images, decode):
    """The seeded campaign of `nightseg faults`, a tenth of it."""
    outcomes = Counter()
    for message in images(7, 500):
        try:
            decoded = decode(message)
        except ImageError:
            outcomes["refused"] += 1
            continue
        assert decoded.pixels.dtype == np.uint8
        assert decoded.pixels.ndim == 3
        outcomes["decoded"] += 1
    assert outcomes["refused"] > 300
    assert outcomes["decoded"] > 10


@pytest.mark.parametrize("shape", [(48, 64), (31, 57), (1, 1)])
def test_png_is_decoded_without_loss(shape):
    picture = smooth(*shape)
    decoded = decode_compressed(compressed(encode(".png", picture)))
    assert decoded.order == "bgr"
    np.testing.assert_array_equal(decoded.pixels, picture)


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
def test_jpeg_is_what_opencv_decodes(options):
    stream = encode(".jpg", smooth(), *options)
    expected = cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_COLOR)
    decoded = decode_compressed(compressed(stream))
    np.testing.assert_array_equal(decoded.pixels, expected)
    assert np.abs(decoded.pixels.astype(int) - smooth()).mean() < 4


def test_padding_behind_a_jpeg_and_grey_jpegs_are_accepted():
    stream = encode(".jpg", smooth()[..., 0]) + bytes(100)
    assert decode_compressed(compressed(stream, "")).pixels.shape == (48, 64, 3)


def test_the_orientation_tag_of_a_jpeg_is_not_applied():
    stream = encode(".jpg", smooth())
    tag = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)  # orientation 6: turned by 90 degrees
    exif = b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">H", 1) + tag + bytes(4)
    turned = stream[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + stream[2:]
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR).shape == (64, 48, 3)
    assert decode_compressed(compressed(turned)).pixels.shape == (48, 64, 3)


def jpeg_claiming(width, height):
    stream = bytearray(encode(".jpg", smooth()))
    at = stream.index(b"\xff\xc0")
    stream[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(stream)


def png_claiming(width, height):
    stream = bytearray(encode(".png", smooth()))
    stream[16:24] = struct.pack(">II", width, height)
    stream[29:33] = struct.pack(">I", zlib.crc32(stream[12:29]))
    return bytes(stream)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither JPEG nor PNG|not a row of bytes"),
        (b"hello world", "neither JPEG nor PNG"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "52 49 46 46"),
        (jpeg_claiming(20_000, 20_000), "20000x20000 is over the limit"),
        (jpeg_claiming(64, 0), "64x0 is empty"),
        (png_claiming(100_000, 100_000), "100000x100000 is over the limit"),
        (png_claiming(0, 5), "0x5 is empty"),
        (encode(".jpg", smooth())[:-200], "no end marker"),
        (encode(".jpg", smooth())[:100], "cut off"),
        (encode(".jpg", smooth())[:3], "cut off"),
        (encode(".png", smooth())[:-200], "no end chunk"),
        (encode(".png", smooth())[:20], "no header chunk"),
        (b"\xff\xd8\xff\xd9\0\0", "no frame header"),
        (b"\xff\xd8\xff\xe0\x00\x04ab nothing", "no marker there"),
    ],
)
def test_a_bad_stream_is_refused_with_its_cause(data, said):
    with pytest.raises(ImageError, match=said):
        decode_compressed(compressed(data))


def test_a_huge_claim_is_refused_before_the_decoder_sees_it(monkeypatch):
    def decoder(*_):
        raise AssertionError("the decoder was called")

    monkeypatch.setattr(image_messages.cv2, "imdecode", decoder)
    with pytest.raises(ImageError, match=r"over the limit of 0\.003 megapixels; a node takes more"):
        decode_compressed(compressed(encode(".jpg", smooth())), max_pixels=3000)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), kind=st.sampled_from([".jpg", ".png"]))
def test_damaged_streams_give_an_image_or_an_image_error(data, kind):
    stream = bytearray(encode(kind, smooth(24, 32)))
    for at in data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=6)):
        stream[at] = data.draw(st.integers(0, 255))
    stream = (
        stream[: data.draw(st.integers(0, len(stream)))] if data.draw(st.booleans()) else stream
    )
    try:
        pixels = decode_compressed(compressed(stream), max_pixels=1_000_000).pixels
        assert pixels.ndim == 3
    except ImageError:
        pass


@settings(max_examples=200, deadline=None)
@given(start=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]), rest=st.binary())
def test_random_bytes_are_never_an_image(start, rest):
    with pytest.raises(ImageError):
        decode_compressed(compressed(start + rest))


@pytest.mark.parametrize(("encoding", "shape"), [("mono8", (5, 7)), ("rgb8", (5, 7, 3))])
def test_a_filled_message_reads_back_the_same(encoding, shape):
    pixels = np.random.default_rng(6).integers(0, 256, shape, np.uint8)
    filled = fill_image(SimpleNamespace(), pixels, encoding)
    assert (filled.height, filled.width, filled.encoding) == (5, 7, encoding)
    assert (filled.step, filled.is_bigendian) == (7 * pixels[0, 0].size, 0)
    assert isinstance(filled.data, array)
    assert filled.data.typecode == "B"
    decoded = decode_image(filled).pixels
    np.testing.assert_array_equal(decoded if pixels.ndim == 3 else decoded[..., 0], pixels)


def test_views_that_are_not_contiguous_are_filled_in_their_own_order():
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)[::-1, ::2]
    filled = fill_image(SimpleNamespace(), pixels, "bgr8")
    np.testing.assert_array_equal(decode_image(filled).pixels, pixels)


@pytest.mark.parametrize(
    ("pixels", "encoding"),
    [
        (np.zeros((4, 4), np.float32), "mono8"),
        (np.zeros((4, 4, 3), np.uint8), "mono8"),
        (np.zeros((4, 4), np.uint8), "rgb8"),
        (np.zeros((4, 4, 4), np.uint8), "bgr8"),
    ],
)
def test_pixels_that_do_not_fit_the_encoding_are_refused(pixels, encoding):
    with pytest.raises(ValueError, match="cannot hold"):
        fill_image(SimpleNamespace(), pixels, encoding)


def test_a_mask_survives_png():
    mask = np.random.default_rng(7).integers(0, 20, (33, 47), np.uint8)
    sent = fill_png(SimpleNamespace(), mask)
    assert sent.format == "mono8; png compressed "
    stored = cv2.imdecode(np.frombuffer(sent.data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, mask)
    with pytest.raises(ValueError, match="a mask is"):
        fill_png(SimpleNamespace(), np.zeros((3, 3, 3), np.uint8))


@pytest.mark.ros
def test_real_messages_are_filled_and_read():
    messages = pytest.importorskip("sensor_msgs.msg")
    picture = smooth()
    filled = fill_image(messages.Image(), picture, "bgr8")
    np.testing.assert_array_equal(decode_image(filled).pixels, picture)
    mask = picture[..., 0]
    back = decode_compressed(fill_png(messages.CompressedImage(), np.ascontiguousarray(mask)))
    np.testing.assert_array_equal(back.pixels[..., 2], mask)
