# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdaBN measures the statistics of other frames, and leaves the network it was given alone."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.methods.min_max.adapt_norm import adapt_batch_norm  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network  # noqa: E402


def test_statistics_are_those_of_the_frames():
    norm = torch.nn.BatchNorm2d(3)
    norm.running_mean += 5
    frames = torch.randint(0, 100, (6, 32, 48, 3), dtype=torch.uint8)
    adapted = adapt_batch_norm(norm, frames, batch=2)
    values = frames.float().flatten(0, 2) / 255
    assert torch.allclose(adapted.running_mean, values.mean(0), atol=1e-5)
    assert torch.allclose(adapted.running_var, values.var(0), rtol=0.02)
    assert float(norm.running_mean[0]) == 5
    assert adapted.momentum == norm.momentum
    assert not adapted.training


def test_a_last_batch_that_is_short_counts_no_more_than_the_others():
    frames = torch.zeros(9, 8, 8, 3, dtype=torch.uint8)
    frames[8] = 255
    adapted = adapt_batch_norm(torch.nn.BatchNorm2d(3), frames, batch=8)
    assert float(adapted.running_mean[0]) == pytest.approx(1 / 16)


def test_only_the_statistics_change():
    network = create_network(NetworkConfig(width=0.25)).eval()
    frames = torch.randint(0, 60, (3, 48, 80, 3), dtype=torch.uint8)
    adapted = adapt_batch_norm(network, frames, (64, 96))
    changed = {
        k for k, v in network.state_dict().items() if not torch.equal(v, adapted.state_dict()[k])
    }
    assert changed
    assert all("running" in name or "num_batches" in name for name in changed)
    again = adapt_batch_norm(network, frames, (64, 96))  # dropout is off: nothing is random
    state = again.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in adapted.state_dict().items())


def test_what_cannot_be_adapted_is_refused():
    frames = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    with pytest.raises(NightsegError, match="Conv2d has no batch norms"):
        adapt_batch_norm(torch.nn.Conv2d(3, 3, 1), frames)
    with pytest.raises(NightsegError, match="no frames"):
        adapt_batch_norm(torch.nn.BatchNorm2d(3), frames[:0])
