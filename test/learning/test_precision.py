# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.learning import precision  # noqa: E402
from nightseg_ros.learning.networks.erf_pspnet import ErfPspNet  # noqa: E402


def test_the_faster_precision_is_taken_and_the_network_left_as_it_is(monkeypatch):
    network = ErfPspNet(width=0.25).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    real, asked = precision._time, []

    def timed(trial, frames, half):
        real(trial, frames, half)
        asked.append(half)
        return 1.0 if half else 2.0

    monkeypatch.setattr(precision, "_time", timed)
    found = precision.faster_precision(network, (32, 64), torch.device("cpu"))
    assert found == precision.HALF
    assert asked == [False, True]
    assert not network.training
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_frozen_network_is_timed_too():
    network = ErfPspNet(width=0.25).requires_grad_(False)
    found = precision.faster_precision(network, (32, 64), torch.device("cpu"))
    assert found in (precision.FULL, precision.HALF)
