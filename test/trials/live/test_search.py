# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The search for the highest rate, against nodes and players whose limit is known."""

from __future__ import annotations

import pytest

from nightseg_ros.trials.live.search import FINE, HIGHEST_HZ, LOWEST_HZ, Trial, highest_rate


def node(capacity_hz, player_hz=1e9):
    """Return attempts on a node that loses what goes beyond its capacity, and all its trials."""
    tried = []

    def attempt(hz, confirms):
        reached = min(hz, player_hz)
        missed = max(0.0, 1.0 - capacity_hz / reached)
        tried.append(Trial(hz, reached, missed, confirms))
        return tried[-1]

    return attempt, tried


@pytest.mark.parametrize("capacity", [3.0, 10.0, 29.0, 333.0])
@pytest.mark.parametrize("start", [1.0, 10.0, 120.0])
def test_finds_what_the_node_bears(capacity, start):
    attempt, tried = node(capacity)
    found = highest_rate(attempt, start)
    best = capacity / 0.95
    assert best / FINE**1.1 <= found["hz"] < best
    assert found["missed_share"] < 0.05
    assert found["limit"] == "node"
    assert len(tried) < 20
    assert tried[-1].confirms
    assert tried[-1].hz == found["hz"]


def test_a_player_that_cannot_send_faster_is_distinguished_from_a_node_that_drops():
    found = highest_rate(node(1e6, player_hz=50.0)[0], 10.0)
    assert found["limit"] == "player"
    assert 45.0 < found["hz"] < 50.0 / 0.95


def test_ends_of_the_range():
    fast = highest_rate(node(1e6)[0], 30.0)
    assert (fast["hz"], fast["limit"]) == (HIGHEST_HZ, "range")
    slow, tried = node(0.1)
    assert highest_rate(slow, 10.0)["hz"] is None
    assert tried[-1].hz == LOWEST_HZ


def test_a_rate_that_is_not_confirmed_is_lowered():
    def attempt(hz, confirms):  # short trials are luckier than long ones
        return Trial(hz, hz, 0.0 if hz < (18.0 if confirms else 20.0) else 0.5, confirms)

    found = highest_rate(attempt, 10.0)
    assert 18.0 / FINE**2 < found["hz"] < 18.0
    assert [trial["held"] for trial in found["trials"]][-1]
    never = highest_rate(lambda hz, confirms: Trial(hz, hz, 0.5 if confirms else 0.0), 10.0)
    assert never["hz"] is None
