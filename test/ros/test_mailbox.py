# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The mailbox keeps only the newest frame, is fair, and its account adds up at every moment."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.patience import PATIENCE_S

from nightseg_ros.ros.mailbox import Mailbox, Outcome

CAMERAS = ("front", "left", "right")


def opened(cameras=CAMERAS, clock=lambda: 0.0):
    mailbox = Mailbox(cameras, clock)
    mailbox.open()
    return mailbox


def balanced(counts):
    return counts.received == (
        counts.published + counts.dropped + counts.rejected + counts.in_flight
    )


def test_newest_frame_wins_and_the_older_is_counted():
    mailbox = opened()
    for frame in (1, 2, 3):
        mailbox.put("front", frame)
    assert mailbox.take() == ("front", 3)
    mailbox.settle("front", Outcome.PUBLISHED)
    counts = mailbox.counts("front")
    assert (counts.received, counts.published, counts.dropped) == (3, 1, 2)
    assert counts.outcomes[Outcome.REPLACED] == 2
    assert mailbox.counts("left").received == 0


def test_cameras_take_turns_even_if_one_never_pauses():
    mailbox = opened()
    served = []
    for frame in range(9):
        for camera in CAMERAS:
            mailbox.put(camera, frame)
        mailbox.put("front", frame)
        camera, _ = mailbox.take()
        mailbox.settle(camera, Outcome.PUBLISHED)
        served.append(camera)
    assert Counter(served) == {"front": 3, "left": 3, "right": 3}


def test_take_sleeps_until_a_frame_comes():
    mailbox = opened()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.put("left", "frame")
    thread.join(PATIENCE_S)
    assert taken == [("left", "frame")]


def test_end_wakes_the_taker():
    mailbox = opened()
    taken = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.end()
    thread.join(PATIENCE_S)
    assert taken == [None]


def test_closed_mailbox_takes_nothing_in_and_opens_again():
    mailbox = opened()
    mailbox.put("front", 1)
    assert mailbox.close()
    mailbox.put("front", 2)
    counts = mailbox.counts("front")
    assert counts.outcomes[Outcome.INACTIVE] == counts.received == 2
    mailbox.open()
    mailbox.put("front", 3)
    assert mailbox.take() == ("front", 3)


def test_close_waits_for_the_frame_under_way():
    mailbox = opened()
    mailbox.put("front", 1)
    mailbox.take()
    assert not mailbox.close(0.01)
    threading.Timer(0.05, mailbox.settle, ("front", Outcome.PUBLISHED)).start()
    assert mailbox.close(5.0)


@pytest.mark.parametrize(
    ("camera_hz", "limit_hz", "expected"),
    [(30, 10, 100), (30, 20, 200), (30, 25, 250), (30, 30, 300), (30, 0, 300), (10, 30, 100)],
)
def test_rate_limit_is_reached_but_not_passed(camera_hz, limit_hz, expected):
    now = [1000.0]
    mailbox = opened(clock=lambda: now[0])
    mailbox.set_max_rate(limit_hz)
    served = 0
    for frame in range(10 * camera_hz):
        now[0] = 1000.0 + frame / camera_hz + 1e-6
        mailbox.put("front", frame)
        if mailbox.counts("front").in_flight:
            assert mailbox.take() == ("front", frame)
            mailbox.settle("front", Outcome.PUBLISHED)
            served += 1
    assert served == pytest.approx(expected, abs=1)
    counts = mailbox.counts("front")
    assert counts.received == served + counts.outcomes[Outcome.RATE]


def test_raised_rate_limit_holds_immediately():
    now = [0.0]
    mailbox = opened(clock=lambda: now[0])
    mailbox.set_max_rate(0.01)
    mailbox.put("front", "first")
    mailbox.take()
    mailbox.settle("front", Outcome.PUBLISHED)
    now[0] = 1.0
    mailbox.set_max_rate(30)
    for now[0] in (1.01, 1.04):
        mailbox.put("front", now[0])
    assert mailbox.counts("front").outcomes == {Outcome.PUBLISHED: 1, Outcome.RATE: 1}
    assert mailbox.take() == ("front", 1.04)


def test_rate_limit_does_not_burst_after_a_pause():
    now = [0.0]
    mailbox = opened(clock=lambda: now[0])
    mailbox.set_max_rate(10)
    for now[0] in (100.0, 100.05, 107.0, 107.05):
        mailbox.put("front", now[0])
        if mailbox.counts("front").in_flight:
            mailbox.take()
            mailbox.settle("front", Outcome.PUBLISHED)
    assert mailbox.counts("front").published == 2


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(CAMERAS)), max_size=60))
def test_account_adds_up_whatever_happens(steps):
    mailbox = opened()
    held = []
    for action, camera in steps:
        if action <= 2:
            mailbox.put(camera, object())
        elif action == 3 and any(mailbox.counts(x).in_flight for x in CAMERAS) and not held:
            taken = mailbox.take()
            held.append(taken[0])
        elif action == 4 and held:
            mailbox.settle(held.pop(), Outcome.PUBLISHED if camera == "left" else Outcome.ENGINE)
        elif action == 5:
            mailbox.refuse(camera, Outcome.BAD_STAMP)
        elif action == 6:
            mailbox.close()
            mailbox.open()
        assert all(balanced(mailbox.counts(x)) for x in CAMERAS)
        assert all(0 <= mailbox.counts(x).in_flight <= 2 for x in CAMERAS)


def test_account_adds_up_between_threads():
    mailbox = opened(("front",))
    wrong = []

    def serve():
        while (taken := mailbox.take()) is not None:
            mailbox.settle(taken[0], Outcome.PUBLISHED)

    def watch():
        while not stop.is_set():
            counts = mailbox.counts("front")
            if not balanced(counts):
                wrong.append(counts)

    stop = threading.Event()
    threads = [threading.Thread(target=target) for target in (serve, watch)]
    for thread in threads:
        thread.start()
    for frame in range(3000):
        mailbox.put("front", frame)
    assert mailbox.close(5.0)
    mailbox.end()
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert wrong == []
    counts = mailbox.counts("front")
    assert counts.received == 3000 == counts.published + counts.dropped


def test_halted_mailbox_refuses_frames_and_keeps_none_for_later():
    mailbox = opened()
    mailbox.put("front", "waits")
    mailbox.halt()
    mailbox.put("front", "comes")
    assert mailbox.counts("front").outcomes == {Outcome.HALTED: 2}
    assert mailbox.counts("front").rejected == 2
    mailbox.resume()
    mailbox.put("front", "next")
    assert mailbox.take() == ("front", "next")
    mailbox.settle("front", Outcome.HUNG)
    assert balanced(mailbox.counts("front"))
