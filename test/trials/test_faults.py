# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The short fault campaign, which the node must pass; and that the campaign sees what it should."""

from __future__ import annotations

import signal

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")

from nightseg_ros.cli import faults as verb
from nightseg_ros.trials.faults import campaign
from nightseg_ros.trials.faults.campaign import run_campaign, table
from nightseg_ros.trials.faults.fault import FAULTS, Fault, NotPermittedError
from nightseg_ros.trials.faults.stage import RAW, SETTINGS, BrokenPromiseError
from nightseg_ros.trials.process_usage import Usage

pytestmark = [pytest.mark.ros, pytest.mark.slow, pytest.mark.timeout(900)]


def test_short_campaign(tmp_path):
    verdicts = run_campaign(tmp_path, short=True)
    assert len(verdicts) > 30
    broken = [str(verdict) for verdict in verdicts if not verdict.ok]
    assert not broken, "\n".join(broken)
    shown = verb.render(
        {
            "form": "short",
            "seconds": 1.0,
            "faults": table(verdicts),
            "broken": [],
            "skipped": [v.name for v in verdicts if v.skipped],
        }
    )
    assert "faults were handled as promised" in shown


def _kill(stage):
    stage.end(signal.SIGKILL)


def _lie(stage):
    """Send a frame and let the witness believe that it was another one."""
    frame = stage.observer.frame()
    other = stage.observer.frame()
    other.header.stamp = frame.header.stamp
    stage.observer.witness.expect(other)
    stage.observer.camera.publish(frame)
    stage.turn(0.3)


def _stray(stage):
    """A mask for a frame that the witness never heard of."""
    stage.observer.camera.publish(stage.observer.frame())
    stage.turn(0.3)


def _stop(stage):
    assert stage.transition(4)  # deactivate: it stops, and says nothing that would be a fault


def _fork_bomb_is_not_allowed(stage):
    raise NotPermittedError("not here")


def _broken(stage):
    raise BrokenPromiseError("it lied")


def test_campaign_sees_what_goes_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "NAMED_S", 0.3)
    cases = (
        Fault("killed", "", _kill),
        Fault("lies", "", _lie),
        Fault("stray", "", _stray),
        Fault("unnamed", "", lambda stage: None, named_by="no such words"),
        Fault("skipped", "", _fork_bomb_is_not_allowed),
        Fault("broken", "", _broken),
        Fault("well", "", lambda stage: stage.stream(0.1)),
        Fault("stops", "", _stop, limit_s=2.0),
    )
    rows = {row["name"]: row for row in table(run_campaign(tmp_path, short=True, faults=cases))}
    assert {name for name, row in rows.items() if row["ok"]} == {"skipped", "well"}
    assert rows["killed"]["crashed"]
    assert rows["lies"]["wrong_masks"][0].startswith("wrong mask for stamp")
    assert rows["stray"]["wrong_masks"][0].endswith("which no frame had")
    assert rows["unnamed"]["broken"] == "no diagnostic named it"
    assert rows["skipped"]["skipped"] == "not here"
    assert rows["broken"]["broken"] == "it lied"
    assert rows["stops"]["silent_stop"]


class Grown:
    """A stage whose process has grown."""

    def __init__(self, *usages):
        self.usages = list(usages)

    def usage(self):
        return self.usages.pop(0) if len(self.usages) > 1 else self.usages[0]

    def until(self, condition, seconds):
        return any(condition() for _ in range(3))


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (Usage(10, 20, 100 << 20), ""),
        (Usage(9, 22, 120 << 20), ""),
        (Usage(11, 20, 100 << 20), "10 threads became 11"),
        (Usage(10, 23, 100 << 20), "20 files became 23"),
        (Usage(10, 20, 140 << 20), "42 MB more memory"),
    ],
)
def test_leaks_are_reported(after, words):
    before = Usage(10, 20, 100 << 20)
    found = campaign._leak(Grown(after), before)
    assert words in found
    assert bool(found) == bool(words)


def test_faults_are_listed_and_have_settings():
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert all(set(fault.settings) <= set(SETTINGS) for fault in FAULTS)
    assert sum(RAW in fault.settings and fault.short for fault in FAULTS) > 20
