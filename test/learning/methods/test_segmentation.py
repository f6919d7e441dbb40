# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network is taught by another one, of another stride."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from nightseg_ros.learning.frame_scores import at_whole_strides  # noqa: E402
from nightseg_ros.learning.methods.segmentation.config import TrainConfig  # noqa: E402
from nightseg_ros.learning.methods.segmentation.module import SegmentationModule  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402


def test_a_teacher_of_a_larger_stride_sees_whole_frames_too(tmp_path: Path) -> None:
    pyramid = NetworkConfig("efficientnet_fpn0", pretrained=False)
    save_checkpoint(tmp_path / "teacher.pt", create_network(pyramid), pyramid, {})
    images = torch.randint(0, 256, (2, 72, 96, 3), dtype=torch.uint8)
    frames = TensorSet(images, images[..., 0] % 19, torch.ones(2), torch.zeros(2, dtype=torch.bool))
    config = TrainConfig(
        "x",
        (SourceConfig("unread"),),
        (),
        network=NetworkConfig(width=0.25),
        teacher=str(tmp_path / "teacher.pt"),
        view=(64, 96),
        test_size=(72, 96),
        whole=1.0,
    )
    module = SegmentationModule(config, frames, {})
    module.log = lambda *_, **__: None
    loss = module.training_step(torch.tensor([0, 1]), 0)
    assert torch.isfinite(loss)


def test_images_that_fit_are_not_stretched() -> None:
    images = torch.rand(1, 3, 64, 96)
    assert torch.equal(at_whole_strides(images, 32), images)
    assert at_whole_strides(images[:, :, :40], 32).shape[-2:] == (64, 96)
