# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Colours are those of the palette, unlabelled pixels show the image, the legend stays in it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nightseg_ros.labels.label_set import CITYSCAPES19, Label, LabelSet, label_set
from nightseg_ros.perception import overlay
from nightseg_ros.perception.overlay import (
    INK,
    blend,
    classes_in_view,
    colorize,
    draw_legend,
    draw_over,
    hatch,
    unsure,
)

JOINT11 = label_set("joint11")

PALETTE = CITYSCAPES19.palette()


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, shape, np.uint8)


def test_every_id_gets_its_colour_in_the_order_of_the_palette() -> None:
    mask = noise(30, 50)
    assert np.array_equal(colorize(mask, PALETTE), PALETTE[mask])
    assert np.array_equal(colorize(mask, PALETTE[:, ::-1]), PALETTE[mask][..., ::-1])


def test_colours_can_go_into_a_buffer() -> None:
    mask, out = noise(30, 50), np.zeros((30, 50, 3), np.uint8)
    colorize(mask, PALETTE, out)
    assert np.array_equal(out, PALETTE[mask])


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_the_blend_is_weighted_and_leaves_unlabelled_pixels_alone(alpha: float) -> None:
    image, mask = noise(30, 50, 3), noise(30, 50) % 19
    mask[:10] = 255
    before = image.copy()
    mixed = blend(image, mask, PALETTE, alpha)
    exact = (1 - alpha) * image.astype(float) + alpha * PALETTE[mask]
    assert np.abs(mixed[10:] - exact[10:]).max() <= 0.51
    assert np.array_equal(mixed[:10], image[:10])
    assert np.array_equal(image, before)


def test_classes_in_view_leave_out_specks_and_unlabelled_pixels() -> None:
    mask = np.full((400, 400), 255, np.uint8)
    mask[:100], mask[100:200], mask[300, 300] = 13, 2, 7
    assert classes_in_view(mask) == [2, 13]
    assert classes_in_view(np.full((8, 8), 5, np.uint8)) == [5]
    assert classes_in_view(np.full((400, 400), 255, np.uint8)) == []


@pytest.mark.parametrize("order", ["rgb", "bgr"])
@pytest.mark.parametrize("size", [(720, 1280), (360, 640), (272, 480)], ids=str)
def test_the_legend_shows_a_chip_for_each_class_and_nothing_outside_its_panel(
    size: tuple[int, int], order: str
) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    draw_legend(image, CITYSCAPES19, [0, 10, 13], "night", 37.4, order=order)
    shown = image if order == "rgb" else image[..., ::-1]
    for label in CITYSCAPES19.labels:
        pixels = int((shown == label.color).all(axis=-1).sum())
        assert (pixels >= 25) == (label.id in (0, 10, 13))
    changed = np.argwhere((image != 90).any(axis=-1))
    assert changed[:, 1].max() < size[1] / 3
    assert changed[:, 0].max() < size[0] / 3


@pytest.mark.parametrize("size", [(360, 640), (720, 1280)], ids=str)
def test_all_classes_of_a_set_fit(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    draw_legend(image, CITYSCAPES19, range(19), "translate", 1234.5, order="rgb")
    for label in CITYSCAPES19.labels:
        assert (image == label.color).all(axis=-1).any(), label.name


def test_of_255_classes_those_are_shown_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(Label(id, f"class {id}", (id, 40, 1)) for id in range(255))
    texts: list[str] = []
    monkeypatch.setattr(overlay, "_text", lambda _, text, *__: texts.append(text))
    image = np.zeros((360, 640, 3), np.uint8)
    draw_legend(image, LabelSet("many", rows), range(255), order="rgb")
    shown = [row.name for row in rows if (image == row.color).all(axis=-1).any()]
    assert shown == [f"class {id}" for id in range(len(shown))]
    assert 10 < len(shown) < 255
    assert texts == [*shown, f"{255 - len(shown)} more"]
    assert not image[-5:].any()


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (20, 20), (40, 30), (100, 10)], ids=str)
def test_a_tiny_image_gets_what_fits_and_no_error(size: tuple[int, int]) -> None:
    draw_legend(np.zeros((*size, 3), np.uint8), JOINT11, range(11), "day", 3.0)


def test_ids_without_a_class_and_an_empty_legend_are_left_out() -> None:
    image = np.full((360, 640, 3), 90, np.uint8)
    draw_legend(image, JOINT11, [200, 255])
    assert (image == 90).all()


def test_lines_stay_where_they_belong_and_rise_or_fall() -> None:
    where = np.zeros((120, 160), np.uint8)
    where[20:60, 40:100] = 255
    pictures = []
    for rising in (True, False):
        image = np.zeros((120, 160, 3), np.uint8)
        hatch(image, where, (9, 9, 9), rising=rising)
        assert not image[where == 0].any()
        assert 0.1 < (image[where > 0] > 0).mean() < 0.5
        pictures.append(image[20:60, 40:100, 0])
    np.testing.assert_array_equal(pictures[0][:-1, 1:], pictures[0][1:, :-1])
    np.testing.assert_array_equal(pictures[1][1:, 1:], pictures[1][:-1, :-1])


def test_unsure_pixels_are_hatched_where_the_confidence_is_known() -> None:
    image = np.full((360, 640, 3), 90, np.uint8)
    mask = np.full((360, 640), 3, np.uint8)
    confidence = np.full((360, 640), 200, np.uint8)
    confidence[200:, 400:] = 100
    plain = draw_over(image, mask, JOINT11, 0.5, "day")
    assert (draw_over(image, mask, JOINT11, 0.5, "day", None, confidence * 0 + 128) == plain).all()
    drawn = draw_over(image, mask, JOINT11, 0.5, "day", None, confidence)
    changed = (drawn != plain).any(axis=2)
    assert not changed[confidence > 127].any()
    assert (drawn[changed] == INK).all()
    assert 0.1 < changed[confidence < 128].mean() < 0.5


def test_unsure_pixels_have_a_class_and_a_low_confidence() -> None:
    mask = np.array([[3, 3, 255]], np.uint8)
    confidence = np.array([[127, 128, 0]], np.uint8)
    assert unsure(mask, confidence, 0.5).tolist() == [[255, 0, 0]]
    assert unsure(mask, confidence, 0.0).tolist() == [[0, 0, 0]]
    assert unsure(mask, confidence, 1.0).tolist() == [[255, 255, 0]]
