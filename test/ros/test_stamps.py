# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which stamps are refused, and that time going back stalls nothing."""

from __future__ import annotations

import pytest

from nightseg_ros.ros.stamps import StampOrder


def taken(*seconds):
    order = StampOrder()
    return [not order.refuse(second, 0) for second in seconds]


def test_frame_out_of_order_is_refused_and_the_next_is_taken():
    assert taken(10, 9, 11, 12) == [True, False, True, True]


def test_frames_of_a_camera_that_sets_no_stamp_are_taken():
    assert taken(0, 0, 0) == [True, True, True]


def test_bag_that_starts_again_costs_one_frame():
    assert taken(100, 101, 5, 6, 7) == [True, True, False, True, True]


def test_two_cameras_on_one_topic_do_not_pass_as_a_new_time():
    assert taken(100, 50, 101, 51, 102, 52) == [True, False, True, False, True, False]


def test_late_frames_that_come_backwards_are_all_refused():
    assert taken(100, 99, 98, 97) == [True, False, False, False]


def test_reset_forgets():
    order = StampOrder()
    assert order.refuse(100, 0) == ""
    order.reset()
    assert order.refuse(1, 0) == ""


@pytest.mark.parametrize(("sec", "nanosec"), [(-1, 0), (1, 1_000_000_000), (1, 2**32 - 1)])
def test_impossible_stamp_is_refused_and_forgotten(sec, nanosec):
    order = StampOrder()
    assert str(nanosec) in order.refuse(sec, nanosec)
    assert order.refuse(0, 5) == ""


def test_reason_names_the_gap():
    order = StampOrder()
    order.refuse(10, 500_000_000)
    assert "1.250 s older" in order.refuse(9, 250_000_000)
