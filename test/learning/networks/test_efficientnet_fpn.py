# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning.networks.efficientnet_fpn import EfficientNetFpn  # noqa: E402


def test_deployed_scores_are_those_of_training():
    torch.manual_seed(0)
    network = EfficientNetFpn(19, pretrained=False).eval()
    image = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        trained, deployed = network.logits(image), network.deployed_logits(image)
    assert trained.std() > 0.01
    torch.testing.assert_close(deployed, trained, rtol=1e-4, atol=1e-4)
