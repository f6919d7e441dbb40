# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The worker builds, serves and closes in one thread, and outlives what engines raise."""

from __future__ import annotations

import threading
import time

import pytest
from support.patience import PATIENCE_S

from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.worker import Worker


class Owned:
    def __init__(self, engine_call=None):
        self.threads = [threading.get_ident()]
        self.served = []

    def serve(self, camera, frame, engine_call):
        self.threads.append(threading.get_ident())
        if isinstance(frame, Exception):
            raise frame
        self.served.append((camera, frame))
        return Outcome.PUBLISHED

    def close(self):
        self.threads.append(threading.get_ident())
        self.closed = True


def worker(build=Owned, failures=None, serve=Owned.serve):
    mailbox = Mailbox(("front",))
    mailbox.open()
    failures = [] if failures is None else failures
    return mailbox, Worker(mailbox, build, serve, lambda *failure: failures.append(failure))


def wait_for(mailbox, received):
    end = time.monotonic() + PATIENCE_S
    while mailbox.counts("front").in_flight and time.monotonic() < end:
        time.sleep(0.001)
    assert mailbox.counts("front").received == received


def test_everything_happens_in_one_other_thread():
    mailbox, it = worker()
    owned = it.start()
    mailbox.put("front", 1)
    wait_for(mailbox, 1)
    it.stop()
    assert owned.served == [("front", 1)]
    assert owned.closed
    assert set(owned.threads) == {owned.threads[0]}
    assert owned.threads[0] != threading.get_ident()


def test_failure_to_build_is_raised_to_who_started_it():
    def build(engine_call=None):
        raise NightsegError("no model")

    _, it = worker(build)
    with pytest.raises(NightsegError, match="no model"):
        it.start()
    it.stop()


@pytest.mark.parametrize(
    "error", [RuntimeError("CUDA error 700"), MemoryError(), NightsegError("")]
)
def test_failing_frame_is_counted_and_the_next_is_served(error):
    failures = []
    mailbox, it = worker(failures=failures)
    owned = it.start()
    mailbox.put("front", error)
    wait_for(mailbox, 1)
    mailbox.put("front", 2)
    wait_for(mailbox, 2)
    it.stop()
    assert failures == [("front", error)]
    assert owned.served == [("front", 2)]
    counts = mailbox.counts("front")
    assert (counts.published, counts.rejected) == (1, 1)


def test_engine_that_hangs_is_left_behind_with_a_word():
    entered, release = threading.Event(), threading.Event()

    def serve(owned, camera, frame, engine_call):
        entered.set()
        release.wait(PATIENCE_S)
        return Outcome.PUBLISHED

    mailbox, it = worker(serve=serve)
    owned = it.start()
    mailbox.put("front", 1)
    assert entered.wait(PATIENCE_S)
    with pytest.raises(NightsegError, match="has not returned"):
        it.stop(0.05)
    release.set()
    it.stop()
    assert owned.closed


def test_frame_that_is_being_published_cannot_be_given_up():
    claimed, release = threading.Event(), threading.Event()

    def serve(owned, camera, frame, engine_call):
        with engine_call("a frame"):
            pass
        claimed.set()
        release.wait(PATIENCE_S)
        return Outcome.PUBLISHED

    mailbox, it = worker(serve=serve)
    it.start()
    mailbox.put("front", 1)
    assert claimed.wait(PATIENCE_S)
    assert it.busy_s() == 0.0
    assert not it.abandon()
    release.set()
    wait_for(mailbox, 1)
    it.stop()
    assert mailbox.counts("front").outcomes == {Outcome.PUBLISHED: 1}


def test_stopping_what_was_never_started_is_fine():
    _, it = worker()
    it.stop()


def test_interrupted_start_waits_for_the_thread_and_closes_what_it_built(monkeypatch):
    owned = Owned()

    def build(engine_call=None):
        time.sleep(0.3)
        return owned

    def interrupt(*_):
        raise KeyboardInterrupt

    _, subject = worker(build)
    monkeypatch.setattr(subject._built, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        subject.start()
    assert owned.closed
