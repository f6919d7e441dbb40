# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The way into the network's size and back loses no pixel and shifts none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.letterbox import CHANNELS, TO_RGB, Letterbox

SIZES = st.tuples(st.integers(1, 200), st.integers(1, 200))


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def nearest(inner: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return `inner` at `size`: each pixel takes the cell that its centre lies in."""
    rows = (2 * np.arange(size[0]) + 1) * inner.shape[0] // (2 * size[0])
    columns = (2 * np.arange(size[1]) + 1) * inner.shape[1] // (2 * size[1])
    return inner[rows][:, columns]


@settings(deadline=None)
@given(source=SIZES, target=SIZES)
def test_the_whole_image_fits_and_touches_two_sides(
    source: tuple[int, int], target: tuple[int, int]
) -> None:
    box = Letterbox(source, target)
    height, width = box.inner_hw
    assert 1 <= height <= target[0]
    assert 1 <= width <= target[1]
    assert height == target[0] or width == target[1]
    assert box.top == (target[0] - height) // 2
    assert box.left == (target[1] - width) // 2
    # One factor for both sides, up to the rounding to whole pixels (and never to none).
    factor = min(target[0] / source[0], target[1] / source[1])
    assert abs(height - max(1, factor * source[0])) <= 0.5 + 1e-9
    assert abs(width - max(1, factor * source[1])) <= 0.5 + 1e-9


@settings(deadline=None)
@given(source=SIZES, target=SIZES)
def test_bars_are_black_and_a_flat_image_stays_flat(
    source: tuple[int, int], target: tuple[int, int]
) -> None:
    box = Letterbox(source, target)
    result = box.apply(np.full((*source, 3), 200, np.uint8))
    assert result.shape == (*target, 3)
    assert result.flags.c_contiguous
    inside = np.zeros(target, bool)
    height, width = box.inner_hw
    inside[box.top : box.top + height, box.left : box.left + width] = True
    assert (result[inside] == 200).all()
    assert (result[~inside] == 0).all()


@settings(deadline=None)
@given(source=SIZES, target=SIZES)
def test_a_mask_comes_back_centre_on_centre(
    source: tuple[int, int], target: tuple[int, int]
) -> None:
    box = Letterbox(source, target)
    mask = noise(*target)
    assert np.array_equal(box.undo(mask), nearest(box.crop(mask), source))


@settings(deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), factor=st.integers(1, 6))
def test_a_mask_that_was_only_enlarged_survives_the_way_there_and_back(
    height: int, width: int, factor: int
) -> None:
    small = noise(height, width)
    box = Letterbox((height * factor, width * factor), (height, width))
    assert box.inner_hw == (height, width)
    assert np.array_equal(box.undo(small), small.repeat(factor, 0).repeat(factor, 1))


@settings(deadline=None)
@given(source=SIZES, target=SIZES)
def test_a_mirrored_mask_comes_back_mirrored_up_to_ties(
    source: tuple[int, int], target: tuple[int, int]
) -> None:
    """A resize that is not centred would shift everything to one side."""
    box = Letterbox(source, target)
    ramp = np.arange(box.inner_hw[1], dtype=np.uint8)
    mask = np.zeros(target, np.uint8)
    box.crop(mask)[:] = ramp
    row = box.undo(mask)[0].astype(int)
    mirrored = box.inner_hw[1] - 1 - row[::-1]
    centres = (2 * np.arange(source[1]) + 1) * box.inner_hw[1]
    ties = centres % (2 * source[1]) == 0  # a centre on the border of two cells
    assert np.array_equal(row[~ties], mirrored[~ties])


@pytest.mark.parametrize("order", sorted(TO_RGB))
def test_every_channel_order_gives_the_same_rgb(order: str) -> None:
    gray = noise(37, 61)
    image = {
        "gray": gray,
        "rgb": cv2.merge([gray, gray // 2, gray // 3]),
        "bgr": cv2.merge([gray // 3, gray // 2, gray]),
        "rgba": cv2.merge([gray, gray // 2, gray // 3, noise(37, 61, seed=1)]),
        "bgra": cv2.merge([gray // 3, gray // 2, gray, noise(37, 61, seed=1)]),
    }[order]
    assert (image.shape[2] if image.ndim == 3 else 1) == CHANNELS[order]
    box = Letterbox((37, 61), (24, 40))
    result = box.crop(box.apply(image, order))
    planes = [gray, gray, gray] if order == "gray" else [gray, gray // 2, gray // 3]
    height, width = box.inner_hw
    for channel, plane in enumerate(planes):
        expected = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
        assert np.array_equal(result[..., channel], expected)


def test_padded_rows_are_the_same_image_without_a_copy() -> None:
    padded = noise(45, 100, 3)
    padded.flags.writeable = False  # as the bytes of a message may be
    view = padded[:, :81]
    box = Letterbox((45, 81), (32, 64))
    expected = box.apply(np.ascontiguousarray(view), "bgr").copy()
    assert np.array_equal(box.apply(view, "bgr"), expected)


def test_no_trace_of_the_last_frame_is_left() -> None:
    box = Letterbox((50, 80), (32, 64))
    first = box.apply(noise(50, 80, 3), "bgr").copy()
    box.apply(np.full((50, 80, 3), 255, np.uint8), "rgb")
    assert np.array_equal(box.apply(noise(50, 80, 3), "bgr"), first)


def test_the_common_camera_gets_the_geometry_of_the_networks() -> None:
    box = Letterbox((720, 1280), (272, 480))
    assert (box.inner_hw, box.top, box.left) == ((270, 480), 1, 0)


@pytest.mark.parametrize("source", [(50, 80), (32, 64)], ids=["resized", "same size"])
def test_a_mask_is_written_into_the_buffer_that_is_given(source: tuple[int, int]) -> None:
    box = Letterbox(source, (32, 64))
    mask, out = noise(32, 64), np.zeros(source, np.uint8)
    fresh = box.undo(mask)
    assert np.shares_memory(box.undo(mask, out), out)
    assert np.array_equal(out, fresh)
    assert not np.shares_memory(fresh, mask)


@pytest.mark.parametrize(
    "out", [np.zeros((50, 81), np.uint8), np.zeros((50, 80), np.int16)], ids=["shape", "type"]
)
def test_a_buffer_that_does_not_fit_is_refused(out: NDArray[np.uint8]) -> None:
    with pytest.raises(NightsegError, match=r"need uint8 \[50, 80\]"):
        Letterbox((50, 80), (32, 64)).undo(noise(32, 64), out)


def test_cut_leaves_the_bars_away() -> None:
    box, mask = Letterbox((50, 80), (32, 64)), noise(32, 64)
    assert np.array_equal(box.cut(mask), box.crop(mask))
    with pytest.raises(NightsegError, match="need uint8"):
        box.cut(mask, np.zeros((32, 64), np.uint8))


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(NightsegError, match="no pixels"):
        Letterbox((0, 80), (32, 64))
