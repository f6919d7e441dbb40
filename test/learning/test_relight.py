# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Relit day frames have the light of real night frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.datasets.catalog import open_set  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19, Label, LabelSet  # noqa: E402
from nightseg_ros.learning.relight import relight_as_night, relit_copy  # noqa: E402
from nightseg_ros.learning.tensor_set import load_frames  # noqa: E402

SKY = 10


def some(spec: str, count: int):
    """A few frames of a set, evenly spread, as (n, 3, h, w) in [0, 1], and their labels."""
    found = open_set(spec)
    picked = np.linspace(0, len(found) - 1, count).round().astype(int)
    part = replace(found, samples=tuple(found.samples[i] for i in picked), problems=())
    images, labels, _ = load_frames(part, (108, 192), stretched=True)
    return images.permute(0, 3, 1, 2).float() / 255, labels


def luma(images):
    return (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1)


@pytest.mark.slow
def test_relit_frames_have_the_light_of_night_frames(data_dir):
    torch.manual_seed(0)
    real = luma(some(f"unlabelled:{data_dir}/pool_night", 150)[0])
    day, labels = some(f"nightseg:{data_dir}:bdd_labelled/train", 150)
    relit = luma(relight_as_night(day, labels))
    assert float(relit.mean()) == pytest.approx(float(real.mean()), abs=0.02)
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.5)):
        shares = [float(((x >= low) & (x < high)).float().mean()) for x in (relit, real)]
        assert shares[0] == pytest.approx(shares[1], abs=0.08), (low, high)
    assert 0.001 < float((relit > 0.9).float().mean()) < 0.01  # real: 0.005
    # The 7 night frames of the validation set have skies of 0.04, six of another drive 0.13.
    assert 0.03 < float(relit[labels == SKY].mean()) < 0.1


@pytest.mark.slow
def test_the_brightness_of_relit_frames_varies_as_that_of_night_frames(data_dir):
    torch.manual_seed(0)
    real = luma(some(f"unlabelled:{data_dir}/pool_night", 150)[0]).mean((1, 2))
    relit = relight_as_night(*some(f"nightseg:{data_dir}:bdd_labelled/train", 150))
    shares = torch.tensor([0.1, 0.5, 0.9])
    found, wanted = torch.quantile(luma(relit).mean((1, 2)), shares), torch.quantile(real, shares)
    assert found.tolist() == pytest.approx(wanted.tolist(), abs=0.03)


def test_a_copy_is_the_same_for_the_same_seed_and_leaves_the_random_numbers_alone():
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    labels = np.zeros((24, 32), np.uint8)
    torch.manual_seed(5)
    expected = float(torch.rand(1))
    torch.manual_seed(5)
    one, same, other = (relit_copy(image, labels, CITYSCAPES19, seed) for seed in (1, 1, 2))
    assert float(torch.rand(1)) == expected
    assert (one.shape, one.dtype) == (image.shape, np.uint8)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_lights_and_signs_shine_and_other_things_do_not():
    torch.manual_seed(0)
    grey = torch.full((200, 3, 32, 48), 0.5)
    labels = torch.full((200, 32, 48), 2, dtype=torch.uint8)
    labels[:, :, 24:] = 7  # a traffic sign beside a building
    relit = luma(relight_as_night(grey, labels)).mean((0, 1))
    assert float(relit[26:].mean()) > 1.5 * float(relit[:22].mean())
    park = LabelSet("park", (Label(0, "sky", (1, 1, 1)), Label(1, "path", (2, 2, 2))))
    relit = luma(relight_as_night(grey, labels % 2, park)).mean((0, 1))
    assert float(relit[26:].mean()) > float(relit[:22].mean())  # 1 is a path, 0 the sky
