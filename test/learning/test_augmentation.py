# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.augmentation import (  # noqa: E402
    AugmentConfig,
    jitter_colours,
    paste_objects,
    random_view,
)
from nightseg_ros.learning.relight import relight_as_night  # noqa: E402

ROAD, SKY = 0, 10


def street(n: int = 4):
    """Frames whose red channel is the id of the label over 20, so that both can be compared."""
    labels = torch.full((n, 72, 128), ROAD, dtype=torch.uint8)
    labels[:, :30] = SKY
    labels[:, :, :40] = 4
    images = (labels.float() / 20)[:, None].expand(-1, 3, -1, -1).clone()
    return images, labels


def test_image_and_label_move_together():
    torch.manual_seed(0)
    images, labels = street(16)
    views, ids = random_view(images, labels, (64, 96), AugmentConfig())
    assert views.shape == (16, 3, 64, 96)
    assert ids.dtype == torch.uint8
    known = ids != 255
    equal = ((views[:, 0] * 20).round() == ids)[known]
    assert equal.float().mean() > 0.93  # all but the blended edges


def test_what_lies_outside_the_image_is_unlabelled_and_black():
    torch.manual_seed(0)
    images, labels = street(8)
    views, ids = random_view(images + 0.1, labels, (64, 96), AugmentConfig(zoom=(0.4, 0.4)))
    outside = ids == 255
    assert 0.5 < outside.float().mean() < 0.95
    inner = torch.nn.functional.avg_pool2d(outside.float()[:, None], 5, 1, 2)[:, 0] == 1
    assert float(views.amax(1)[inner].max()) == 0.0


def test_a_plain_view_is_the_image_itself():
    images, labels = street(2)
    still = AugmentConfig(zoom=(1, 1), stretch=0, rotate_deg=0, flip=False)
    torch.manual_seed(1)
    _, ids = random_view(images, labels, (72, 128), still)
    moved = (ids != labels).float().mean()
    assert moved < 0.2  # only the slide of at most 5 % is left


def test_colours_stay_colours_and_vary():
    torch.manual_seed(0)
    images = torch.rand(6, 3, 16, 16)
    out = jitter_colours(images, AugmentConfig())
    assert out.shape == images.shape
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1
    assert len({round(float(x.mean()), 4) for x in out}) == 6


def test_relit_nights_are_dark_and_their_sky_is_darkest():
    torch.manual_seed(0)
    images, labels = street(32)
    day = torch.where((labels == SKY)[:, None], torch.tensor(0.9), torch.tensor(0.4))
    night = relight_as_night(day.expand(-1, 3, -1, -1).contiguous(), labels)
    assert night.shape == images.shape
    assert float(night.min()) >= 0
    assert float(night.max()) <= 1
    sky, road = night.mean(1)[labels == SKY], night.mean(1)[labels == ROAD]
    assert float(sky.median()) < float(road.median()) < 0.4


def test_a_fine_source_does_not_alias():
    """Stripes of one pixel are grey in a view that is a third as fine, not stripes again."""
    images = torch.zeros(2, 3, 216, 384)
    images[..., ::2] = 1.0
    labels = torch.zeros(2, 216, 384, dtype=torch.uint8)
    still = AugmentConfig(zoom=(1, 1), stretch=0, rotate_deg=0, flip=False)
    views, _ = random_view(images, labels, (72, 128), still)
    assert float(views[:, :, 8:-8, 8:-8].std()) < 0.3  # a single sample a pixel gives 0.5


def test_rare_objects_are_pasted_between_views_of_like_brightness():
    images = torch.tensor([0.1, 0.8, 0.12, 0.78]).view(4, 1, 1, 1).expand(4, 3, 6, 8).clone()
    labels = torch.zeros(4, 6, 8, dtype=torch.uint8)
    labels[0, 2:4, 2:4] = 11
    labels[1, 1:3, 5:7] = 18
    labels[3, 0, 0] = 13  # a car is not rare
    givers = torch.tensor([True, True, True, True])
    out, ids = paste_objects(images, labels, givers, (11, 18), 1.0)
    assert (ids[2] == 11).sum() == 4
    assert float(out[2, 0, 2, 2]) == pytest.approx(0.1)
    assert (ids[3] == 18).sum() == 4
    assert (ids[3] == 13).sum() == 1
    _, ids = paste_objects(images, labels, torch.zeros(4, dtype=torch.bool), (11, 18), 1.0)
    assert torch.equal(ids, labels)


@pytest.mark.parametrize(
    ("key", "value"), [("zoom", (2.0, 1.0)), ("night", 1.5), ("jitter", -0.1), ("paste", 2.0)]
)
def test_impossible_settings_are_refused_by_name(key, value):
    with pytest.raises(NightsegError, match=f"augment.{key}"):
        AugmentConfig(**{key: value})
