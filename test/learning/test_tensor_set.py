# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from support.made_up_data import make_data  # noqa: E402

from nightseg_ros.labels.label_set import label_set  # noqa: E402
from nightseg_ros.learning.pseudo_labels import label_image  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import (  # noqa: E402
    JoinedSet,
    TensorSet,
    class_shares,
    fit,
    load_sets,
    load_source,
    stretch,
)

CACHE = (48, 80)


FULL = (360, 640)


def slanted() -> np.ndarray:
    """A frame with one straight, slanted edge, as bright as the share of each pixel behind it."""
    rows, columns = ((np.arange(side * 8) + 0.5) / 8 for side in FULL)
    behind = columns[None] + rows[:, None] * 0.3 > 374.3
    return behind.reshape(FULL[0], 8, FULL[1], 8).mean((1, 3))


def edge_of(values: np.ndarray) -> float:
    """The mean place of the edge over the rows, in pixels of `values`."""
    return float((values.shape[1] - values.sum(1)).mean())


def frame_and_label() -> tuple[np.ndarray, np.ndarray]:
    image = slanted()
    frame = np.repeat((image[..., None] * 255).round().astype(np.uint8), 3, 2)
    return frame, (image > 0.5).astype(np.uint8)


@pytest.mark.parametrize("small", [(72, 128), (90, 160), (135, 240), (180, 320), (216, 384)])
@pytest.mark.parametrize("scaled", [stretch, lambda image, size: fit(image, size, 0)])
def test_labels_lie_on_their_images(small, scaled):
    frame, label = frame_and_label()
    off = edge_of(scaled(label, small)) - edge_of(scaled(frame, small)[..., 0] / 255)
    assert abs(off) < 0.05


def test_pseudo_labels_lie_on_their_images():
    frame, _ = frame_and_label()

    def teacher(seen: np.ndarray) -> torch.Tensor:
        bright = torch.from_numpy(seen[..., 0] / 255)
        return torch.stack([1 - bright, bright])

    ids = label_image(teacher, frame, np.zeros(1, np.float32), max_width=128)
    off = edge_of(ids) - edge_of(slanted())
    assert abs(off) < 0.05 * 5  # five pixels to one of the teacher's


def test_sources_of_several_sizes_are_drawn_from_as_one():
    parts = [
        TensorSet(
            torch.full((2, *size, 3), value, dtype=torch.uint8),
            torch.full((2, *size), value, dtype=torch.uint8),
            torch.ones(2),
            torch.tensor([relight, relight]),
            fill,
        )
        for size, value, relight, fill in (((8, 16), 1, True, False), ((16, 16), 2, False, True))
    ]
    both = JoinedSet(parts)
    assert len(both) == 4
    assert both.relight.tolist() == [True, True, False, False]
    assert both.filled.tolist() == [False, False, True, True]
    seen = []

    def cut(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(images.shape[2])
        return images[:, :, :8], labels[:, :8]

    images, labels = both.views(torch.tensor([3, 0, 2, 1, 0]), cut)
    assert labels[:, 0, 0].tolist() == [2, 1, 2, 1, 1]
    assert (images[:, 0, 0, 0] * 255).round().int().tolist() == [2, 1, 2, 1, 1]
    assert seen == [8, 16]
    assert class_shares(both, 3).tolist() == pytest.approx([0, 1 / 3, 2 / 3])


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> str:
    return str(make_data(tmp_path_factory.mktemp("data")))


def test_a_source_is_stretched_to_its_own_size(data):
    squeezed = SourceConfig("nightseg:{data}/more:cityscapes_256", size=(32, 64))
    found = load_source(squeezed, data, CACHE, 0)
    assert found.images.shape == (2, 32, 64, 3)
    assert found.labels.shape == (2, 32, 64)


def test_coarse_labels_become_groups_of_classes(data):
    names = label_set("cityscapes19_groups").names
    found = load_source(SourceConfig("nightseg:{data}/more:idd_lite"), data, CACHE, 0)
    seen = {names[index] for index in found.labels.unique().tolist() if index != 255}
    assert seen == {"road", "sky", "building or vegetation", "any vehicle"}


def test_drivable_masks_join_their_pool_frames_as_road_or_unknown(data):
    found = load_source(SourceConfig("nightseg:{data}/more/pool_drivable:pool_night", fill=True),
                        data, CACHE, 0)  # fmt: skip
    assert len(found) == 2
    assert sorted(found.labels.unique().tolist()) == [0, 255]
    assert bool(found.filled.all())


def test_validation_sets_can_be_pooled(data):
    night = "nightseg:{data}:bdd_labelled/val@night + nightseg:{data}/more:acdc_figures/val_night"
    (found,) = load_sets([night], data, CACHE).items()
    assert found[0] == "bdd_labelled_val@night+acdc_figures_val_night"
    assert len(found[1][0]) == 2
