# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A hung engine is named, left behind and replaced; failures in a row stop and come back."""

from __future__ import annotations

import threading
import time

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.perception.status import ERROR, OK, WARN
from nightseg_ros.ros import supervisor as module
from nightseg_ros.ros.mailbox import Mailbox, Outcome
from nightseg_ros.ros.supervisor import Limits, Supervisor

HANG, FAIL = "hang", "fail"


class Engine:
    """What a worker owns in these tests."""

    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


class Subject:
    """A supervised mailbox whose letters say what the engine does with them."""

    def __init__(self, timeout_s=0.2, failures=3, hung=2):
        self.mailbox = Mailbox(("front",))
        self.mailbox.open()
        self.limits = Limits(timeout_s, failures, hung)
        self.published, self.told, self.engines = [], [], []
        self.release = threading.Event()
        self.broken_builds = 0
        self.it = Supervisor(
            self.mailbox,
            self.build,
            self.serve,
            on_failure=lambda *_: None,
            on_new=lambda owned: None,
            tell=self.told.append,
            limits=lambda: self.limits,
        )

    def build(self):
        if self.engines and self.broken_builds:
            self.broken_builds -= 1
            raise NightsegError("the model file is gone")
        self.engines.append(Engine())
        return self.engines[-1]

    def serve(self, owned, camera, letter, claim):
        if letter == FAIL:
            raise RuntimeError("CUDA error 700")
        if letter == HANG:
            self.release.wait(30)
        claim()
        self.published.append((letter, self.engines.index(owned)))
        return Outcome.PUBLISHED

    def until(self, condition, seconds=10.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.told, self.outcomes())
            time.sleep(0.005)

    def put(self, letter):
        received = self.mailbox.counts("front").received
        self.mailbox.put("front", letter)
        assert self.mailbox.counts("front").received == received + 1

    def served(self, letter):
        self.put(letter)
        self.until(lambda: not self.mailbox.counts("front").in_flight)

    def outcomes(self):
        return dict(self.mailbox.counts("front").outcomes)

    def words(self):
        return [report.message for report in self.told]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)
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
    it.until(lambda: it.told)
    assert it.told[0].level == ERROR
    assert it.words()[0].startswith("hung: a frame has been under way for 0.2 s")
    it.until(lambda: len(it.engines) == 2 and len(it.told) == 2)
    assert it.told[1].level == WARN
    it.served("next")
    assert it.published == [("next", 1)]
    it.until(lambda: it.told[-1].level == OK)
    assert it.outcomes() == {Outcome.HUNG: 1, Outcome.PUBLISHED: 1}
    assert it.it.report().values["left_behind"] == "1"
    it.release.set()  # the hung call comes back at last
    it.until(lambda: it.engines[0].closed)
    assert it.published == [("next", 1)]
    assert it.outcomes() == {Outcome.HUNG: 1, Outcome.PUBLISHED: 1}
    assert it.it.report().values["left_behind"] == "0"


def test_too_many_hung_engines_end_in_silence_until_one_comes_back(subject):
    it = subject(hung=1)
    it.put(HANG)
    it.until(lambda: len(it.engines) == 2 and it.told[-1].level == WARN)
    it.put(HANG)
    it.until(lambda: any(word.startswith("given up: 2 hung engines") for word in it.words()))
    it.served("refused")
    assert it.published == []
    assert it.outcomes() == {Outcome.HUNG: 2, Outcome.HALTED: 1}
    assert it.it.report().level == ERROR
    it.release.set()
    it.until(lambda: len(it.engines) == 3 and it.told[-1].level == WARN)
    it.served("next")
    assert it.published == [("next", 2)]


def test_failures_in_a_row_stop_and_new_engines_take_over(subject):
    it = subject(failures=3)
    for _ in range(3):
        it.served(FAIL)
    it.until(lambda: it.told)
    assert "stopped: the last 3 frames failed: RuntimeError: CUDA error 700" in it.words()[0]
    it.until(lambda: len(it.engines) == 2 and it.told[-1].level == WARN)
    assert it.engines[0].closed
    it.served("next")
    assert it.published == [("next", 1)]
    it.until(lambda: it.told[-1].level == OK)


def test_nothing_is_served_while_stopped_and_building_is_tried_again(subject):
    it = subject(failures=1)
    it.broken_builds = 2
    it.served(FAIL)
    it.served("refused")
    assert it.outcomes() == {Outcome.ENGINE: 1, Outcome.HALTED: 1}
    it.until(lambda: sum("the model file is gone" in word for word in it.words()) == 2)
    it.until(lambda: it.told[-1].level == WARN)
    it.served("next")
    assert it.published == [("next", 1)]


def test_a_good_frame_between_failures_keeps_the_engines(subject):
    it = subject(failures=2)
    for letter in (FAIL, "good", FAIL, "good"):
        it.served(letter)
    time.sleep(0.05)
    assert len(it.engines) == 1
    assert it.told == []


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
    assert it.told == []
    it.release.set()
    it.until(lambda: it.published == [(HANG, 0)])


def test_stop_says_that_a_hung_engine_keeps_its_memory():
    it = Subject()
    it.it.start()
    it.put(HANG)
    it.until(lambda: it.told)
    with pytest.raises(NightsegError, match="1 hung engine could not be stopped"):
        it.it.stop()
    it.release.set()


def test_watchdog_outlives_what_its_listener_raises(subject):
    it = subject()
    broken = [RuntimeError("publisher is gone")]

    def tell(report):
        it.told.append(report)
        if broken:
            raise broken.pop()

    it.it._tell = tell
    it.put(HANG)
    it.until(lambda: len(it.engines) == 2)
    it.until(lambda: not it.mailbox._halted)
    it.served("next")
    assert it.published == [("next", 1)]
