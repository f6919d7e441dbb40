# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images that were never seen are counted by the numbers of their publishers."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.ros.missed import MissedMessages


def info(number, publisher=b"camera"):
    return {"publication_sequence_number": number, "publisher_gid": {"data": publisher}}


def test_two_publishers_of_one_topic_have_numbers_of_their_own():
    missed = MissedMessages()
    sent = [info(100), info(7, b"other"), info(101), info(8, b"other"), info(104)]
    assert [missed.before(x) for x in sent] == [0, 0, 0, 0, 2]


def test_what_comes_late_or_after_a_pause_is_not_missed():
    missed = MissedMessages()
    assert [missed.before(info(n)) for n in (5, 9, 6)] == [0, 3, 0]
    missed.reset()
    assert missed.before(info(90)) == 0


def test_publishers_that_come_and_go_do_not_pile_up():
    missed = MissedMessages()
    for number in range(1000):
        missed.before(info(1, number.to_bytes(2, "big")))
    assert len(missed._newest) < 20


@pytest.mark.parametrize("removed", ["publication_sequence_number", "publisher_gid"])
def test_without_numbers_nothing_is_known(removed):
    without = {name: value for name, value in info(5).items() if name != removed}
    assert MissedMessages().before(without) is None
    assert MissedMessages().before({**without, removed: None}) is None
