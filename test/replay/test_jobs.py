# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs in processes: each for itself, and none left behind."""

from __future__ import annotations

import os
import time

import pytest
from support.jobs import job

from nightseg_ros.errors import NightsegError
from nightseg_ros.replay import jobs
from nightseg_ros.replay.jobs import run_in_processes, run_on_ray


@pytest.mark.slow
def test_one_that_fails_or_dies_does_not_stop_the_rest():
    arguments = [("fail", "no such bag"), ("die", 0), ("good", 7), ("break", "x"), ("good", 8)]
    steps = []
    found = run_in_processes(job, arguments, 2, lambda *seen: steps.append(seen))
    outcomes = sorted(found, key=lambda outcome: outcome.index)
    assert [o.error for o in outcomes] == [
        "no such bag",
        "its process was ended by SIGKILL; the memory may have run out",
        "",
        "KeyError: 'x'",
        "",
    ]
    assert [outcomes[i].value[0] for i in (2, 4)] == [7, 8]
    pids = {outcomes[i].value[1] for i in (2, 4)}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert sorted(steps) == [(2, 3, 3), (4, 3, 3)]


@pytest.mark.slow
def test_ctrl_c_ends_all_of_them_kindly(tmp_path):
    notes = [tmp_path / "a", tmp_path / "b"]
    arguments = [("wait", str(note)) for note in notes] + [("good", 1)]
    running = set()

    def stop_when_both_run(index, done, total):
        running.add(index)
        if len(running) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run_in_processes(job, arguments, 2, stop_when_both_run))
    assert [note.read_text() for note in notes] == ["ended", "ended"]


class FakeRay:
    """Runs everything at once and in place; a job that fails does so when it is asked for."""

    def __init__(self, answers=True):
        self.answers, self.options, self.stopped, self.most = answers, {}, False, 0

    def init(self, **options):
        if not self.answers:
            raise ConnectionError("nobody there")
        self.options = options

    def remote(self, function):
        ray = self

        class Remote:
            def options(self, **options):
                ray.options |= options
                return self

            def remote(self, *arguments):
                try:
                    return ("value", function(*arguments), time.perf_counter_ns())
                except Exception as error:
                    return ("error", error, time.perf_counter_ns())

        return Remote()

    def wait(self, references, num_returns):
        self.most = max(self.most, len(references))
        return references[:num_returns], references[num_returns:]

    def get(self, reference):
        kind, content, _ = reference
        if kind == "error":
            raise content
        return content

    def cancel(self, reference, force):
        raise AssertionError("nothing is left to be cancelled")

    def shutdown(self):
        self.stopped = True


def test_ray_runs_so_many_at_a_time_and_names_what_failed(monkeypatch):
    ray = FakeRay()
    monkeypatch.setattr(jobs, "_load_ray", lambda: ray)
    arguments = [("good", 1), ("fail", "cut off"), ("good", 3)]
    found = list(run_on_ray(job, arguments, "10.0.0.1:6379", 2, cores=3, gpus=1))
    assert [(o.index, o.value and o.value[0], o.error) for o in found] == [
        (0, 1, ""),
        (1, None, "cut off"),
        (2, 3, ""),
    ]
    assert ray.options["address"] == "10.0.0.1:6379"
    assert (ray.options["num_cpus"], ray.options["num_gpus"]) == (3, 1)
    assert ray.most == 2
    assert ray.stopped


def test_a_cluster_that_does_not_answer_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(jobs, "_load_ray", lambda: FakeRay(answers=False))
    with pytest.raises(NightsegError, match=r"no Ray cluster answers at 'auto' \(nobody there\)"):
        list(run_on_ray(job, [("good", 1)], "auto", 0, cores=1))
