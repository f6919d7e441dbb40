# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A hung engine is named, abandoned and replaced; failures in a row stop it and it recovers."""

from __future__ import annotations

import threading
import time

import pytest
from support.patience import PATIENCE_S

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.status import ERROR, OK, WARN
from nightseg_ros.ros import supervisor as module
from nightseg_ros.ros import worker
from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.supervisor import Limits, Supervisor

HANG, FAIL, SLOW_IMAGE = "hang", "fail", "slow image"


class Engine:
    """What a worker owns in these tests."""

    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Subject:
    """A supervised mailbox whose frames determine what the engine does with them."""

    def __init__(self, timeout_s=0.2, failures=3, hung=2):
        self.mailbox = Mailbox(("front",))
        self.mailbox.open()
        self.limits = Limits(timeout_s, failures, hung)
        self.published, self.changes, self.engines = [], [], []
        self.release = threading.Event()
        self.broken_builds = self.slow_trials = 0
        self.ended = False
        self.it = Supervisor(
            self.mailbox,
            self.build,
            self.serve,
            on_failure=lambda *_: None,
            on_new=lambda owned: None,
            on_change=self.changes.append,
            limits=lambda: self.limits,
            ended=lambda: self.ended,
        )

    def build(self, engine_call):
        with engine_call("the trial run of day"):
            if self.slow_trials:
                self.slow_trials -= 1
                self.release.wait(PATIENCE_S)
        if self.engines and self.broken_builds:
            self.broken_builds -= 1
            raise NightsegError("the model file is gone")
        self.engines.append(Engine())
        return self.engines[-1]

    def serve(self, owned, camera, frame, engine_call):
        if frame == SLOW_IMAGE:
            self.release.wait(PATIENCE_S)
        with engine_call("a frame"):
            if frame == FAIL:
                raise RuntimeError("CUDA error 700")
            if frame == HANG:
                self.release.wait(PATIENCE_S)
        self.published.append((frame, self.engines.index(owned)))
        return Outcome.PUBLISHED

    def until(self, condition, seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.changes, self.outcomes())
            time.sleep(0.005)

    def put(self, frame):
        received = self.mailbox.counts("front").received
        self.mailbox.put("front", frame)
        assert self.mailbox.counts("front").received == received + 1

    def served(self, frame):
        self.put(frame)
        self.until(lambda: not self.mailbox.counts("front").in_flight)

    def outcomes(self):
        return dict(self.mailbox.counts("front").outcomes)

    def words(self):
        return [report.message for report in self.changes]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "POLL_S", 0.01)
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.05)


@pytest.fixture
def subject():
    made = []

    def make(**limits):
        made.append(Subject(**limits))
        made[-1].it.start()
        return made[-1]

    yield make
    for each in made:
        each.release.set()
        each.until(lambda each=each: not each.it._hanging())
        each.it.stop()


def test_hung_engine_is_named_and_replaced_and_what_it_brings_is_thrown_away(subject):
    it = subject()
    it.put(HANG)
    it.until(lambda: it.changes)
    assert it.changes[0].level == ERROR
    assert it.words()[0].startswith("hung: a frame has been under way for 0.2 s")
    it.until(lambda: len(it.engines) == 2 and len(it.changes) == 2)
    assert it.changes[1].level == WARN
    it.served("next")
    assert it.published == [("next", 1)]
    it.until(lambda: it.changes[-1].level == OK)
    assert it.outcomes() == {Outcome.HUNG: 1, Outcome.PUBLISHED: 1}
    assert it.it.report().values["left_behind"] == "1"
    it.release.set()  # the hung call comes back at last
    it.until(lambda: it.engines[0].closed)
    assert it.published == [("next", 1)]
    assert it.outcomes() == {Outcome.HUNG: 1, Outcome.PUBLISHED: 1}
    assert it.it.report().values["left_behind"] == "0"


def test_time_before_the_engine_has_the_frame_is_no_hang(subject):
    it = subject(timeout_s=0.1)
    it.put(SLOW_IMAGE)
    time.sleep(0.5)
    it.release.set()
    it.until(lambda: it.published == [(SLOW_IMAGE, 0)])
    assert it.changes == []


def test_too_many_hung_engines_end_in_silence_until_one_comes_back(subject):
    it = subject(hung=1)
    it.put(HANG)
    it.until(lambda: len(it.engines) == 2 and it.changes[-1].level == WARN)
    it.put(HANG)
    it.until(lambda: any(word.startswith("given up: 2 hung engines") for word in it.words()))
    it.served("refused")
    assert it.published == []
    assert it.outcomes() == {Outcome.HUNG: 2, Outcome.HALTED: 1}
    assert it.it.report().level == ERROR
    it.release.set()
    it.until(lambda: len(it.engines) == 3 and it.changes[-1].level == WARN)
    it.served("next")
    assert it.published == [("next", 2)]


def test_failures_in_a_row_stop_and_new_engines_take_over(subject):
    it = subject(failures=3)
    for _ in range(3):
        it.served(FAIL)
    it.until(lambda: it.changes)
    assert "stopped: the last 3 frames failed: RuntimeError: CUDA error 700" in it.words()[0]
    it.until(lambda: len(it.engines) == 2 and it.changes[-1].level == WARN)
    assert it.engines[0].closed
    it.served("next")
    assert it.published == [("next", 1)]
    it.until(lambda: it.changes[-1].level == OK)


def test_nothing_is_served_while_stopped_and_building_is_tried_again(subject):
    it = subject(failures=1)
    it.broken_builds = 2
    it.served(FAIL)
    it.served("refused")
    assert it.outcomes() == {Outcome.ENGINE: 1, Outcome.HALTED: 1}
    it.until(lambda: sum("the model file is gone" in word for word in it.words()) == 2)
    it.until(lambda: it.changes[-1].level == WARN)
    it.served("next")
    assert it.published == [("next", 1)]


def test_a_good_frame_between_failures_keeps_the_engines(subject):
    it = subject(failures=2)
    for frame in (FAIL, "good", FAIL, "good"):
        it.served(frame)
    time.sleep(0.05)
    assert len(it.engines) == 1
    assert it.changes == []


def test_failures_show_in_the_report_before_they_are_too_many(subject):
    it = subject(failures=3)
    it.served(FAIL)
    report = it.it.report()
    assert (report.level, report.message) == (
        WARN,
        "the last frame failed: RuntimeError: CUDA error 700",
    )


def test_no_timeout_waits_for_ever(subject):
    it = subject(timeout_s=0.0)
    it.put(HANG)
    time.sleep(0.3)
    assert it.changes == []
    it.release.set()
    it.until(lambda: it.published == [(HANG, 0)])


def test_stop_reports_that_a_hung_engine_keeps_its_memory():
    it = Subject()
    it.it.start()
    it.put(HANG)
    it.until(lambda: it.changes)
    with pytest.raises(NightsegError, match="1 hung engine could not be stopped"):
        it.it.stop()
    it.release.set()


def test_trial_run_that_does_not_end_is_an_error_of_the_start():
    it = Subject(timeout_s=0.2)
    it.slow_trials = 1
    words = "the trial run of day did not end within 0.2 s .engine_timeout_s.: the engine hangs"
    with pytest.raises(NightsegError, match=words):
        it.it.start()
    it.release.set()
    it.until(lambda: not it.it._worker.alive)
    assert it.engines == []  # what comes back from such a trial is not used
    it.it.stop()


def test_trial_run_that_does_not_end_is_named_and_tried_anew(subject):
    it = subject(failures=1)
    it.slow_trials = 1
    it.served(FAIL)
    it.until(lambda: any("hung: the trial run of day has been" in word for word in it.words()))
    it.until(lambda: it.changes[-1].level == WARN)
    it.served("next")
    assert it.published == [("next", 1)]
    assert it.it.report().values["left_behind"] == "1"


def test_start_ends_with_the_process(monkeypatch):
    monkeypatch.setattr(worker, "INTERRUPTED_WAIT_S", 0.1)
    it = Subject(timeout_s=0.0)
    it.slow_trials, it.ended = 1, True
    with pytest.raises(KeyboardInterrupt):
        it.it.start()
    it.release.set()
    it.until(lambda: not it.it._worker.alive)


def test_watchdog_outlives_what_its_listener_raises(subject):
    it = subject()
    broken = [RuntimeError("publisher is gone")]

    def on_change(report):
        it.changes.append(report)
        if broken:
            raise broken.pop()

    it.it._on_change = on_change
    it.put(HANG)
    it.until(lambda: len(it.engines) == 2)
    it.until(lambda: not it.mailbox._halted)
    it.served("next")
    assert it.published == [("next", 1)]
