# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a row of a study says of every frame of a set, counted image by image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nightseg_ros.labels.label_set import CITYSCAPES19
from nightseg_ros.learning.frame_scores import score_frame
from nightseg_ros.learning.methods.min_max.adapt_norm import adapt_batch_norm
from nightseg_ros.learning.methods.nisenet_fusion.module import Fusion, load_fusion
from nightseg_ros.learning.methods.nisenet_fusion.pixel_fusion import fuse_pixels
from nightseg_ros.learning.networks.patch_fusion import better_channel, cut, spread
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.networks.translated import Translated
from nightseg_ros.learning.tensor_set import load_sets
from nightseg_ros.learning.translate import load_generator, translate_image
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.metrics.drivable import DrivableRecall

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter
    from nightseg_ros.learning.study.description import EvaluationSet, Way

Size = tuple[int, int]
PerImage = NDArray[np.int64]
ROAD = CITYSCAPES19.names.index("road")


def measure_row(
    way: Way, sets: Mapping[str, EvaluationSet], size: Size, data: str
) -> dict[str, PerImage]:
    """Return the counts of each set: confusions (images, n, n + 1), or road and drivable pixels."""
    networks = [_network(path, way.before) for path in way.channels or (way.network,)]
    fusion = load_fusion(Path(way.fusion)) if way.fusion else None
    counts: dict[str, PerImage] = {}
    for name, one in sets.items():
        frames, truths = _frames(one, size, data)
        adapted = [adapt_batch_norm(n, frames, size) for n in networks] if way.adabn else networks
        matrix = ConfusionMatrix(
            "joint11", truth_labels="cityscapes19", prediction_labels="cityscapes19"
        )
        road = DrivableRecall()
        for frame, truth in zip(frames, truths, strict=True):
            ids = predict(adapted, way.fuse, fusion, frame, truth, size).byte().numpy()
            if one.measure == "recall":
                road.update(ids == ROAD, truth.numpy() == ROAD)
            else:
                matrix.update(truth.numpy(), ids)
        source = road if one.measure == "recall" else matrix
        counts[name] = source.compute().per_image
    return counts


@torch.inference_mode()
def predict(
    networks: Sequence[Segmenter],
    fuse: str,
    fusion: Fusion | None,
    frame: Tensor,
    truth: Tensor,
    size: Size,
) -> Tensor:
    """Return the ids (H, W) of a frame (h, w, 3); the oracle alone looks at the truth (H, W)."""
    shape = (truth.shape[0], truth.shape[1])
    scores = [score_frame(network, frame, size, shape)[None] for network in networks]
    if len(scores) == 1:
        return scores[0].argmax(1)[0]
    return FUSE[fuse](scores, fusion, truth)


def _average(scores: Sequence[Tensor], _fusion: Fusion | None, _truth: Tensor) -> Tensor:
    return torch.stack([one.softmax(1) for one in scores]).sum(0).argmax(1)[0]


def _pixel(scores: Sequence[Tensor], fusion: Fusion | None, _truth: Tensor) -> Tensor:
    assert fusion is not None
    return fuse_pixels(scores[0], scores[1], fusion.temperatures)[0].argmax(1)[0]


def _patch(scores: Sequence[Tensor], fusion: Fusion | None, _truth: Tensor) -> Tensor:
    assert fusion is not None
    first, second = (one.argmax(1) for one in scores)
    return torch.where(fusion.patches.choose(first, second) > 0, second, first)[0]


def _oracle(scores: Sequence[Tensor], _fusion: Fusion | None, truth: Tensor) -> Tensor:
    ids = torch.cat([one.argmax(1) for one in scores])
    better, _ = better_channel(cut(ids[:, None]), cut(truth.long()[None, None])[0])
    return torch.where(spread(better, 1, truth.shape)[0] > 0, ids[1], ids[0])


FUSE: dict[str, Callable[[Sequence[Tensor], Fusion | None, Tensor], Tensor]] = {
    "average": _average,
    "patch": _patch,
    "pixel": _pixel,
    "oracle": _oracle,
}


def _network(path: str, before: str) -> Segmenter:
    network = load_checkpoint(Path(path))[0].eval()
    return Translated(load_generator(Path(before)), network).eval() if before else network


@lru_cache(maxsize=8)  # rows of one process share them
def _frames(one: EvaluationSet, size: Size, data: str) -> tuple[Tensor, Tensor]:
    """Return the frames (N, h, w, 3) and the ids (N, h, w) of a set."""
    ((frames, ids),) = load_sets([one.data], data, size, stretched=one.stretch).values()
    if one.count:
        kept = np.linspace(0, len(frames) - 1, min(one.count, len(frames))).round().astype(int)
        frames, ids = frames[kept], ids[kept]
    if not one.through:
        return frames, ids
    generator = load_generator(Path(one.through))
    made = [translate_image(generator, frame.numpy(), one.through_size) for frame in frames]
    return torch.from_numpy(np.stack(made)), ids
