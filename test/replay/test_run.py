# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of a replay: rows that survive, scores of any length, threads that keep the order."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from nightseg_ros.labels.label_set import label_set
from nightseg_ros.metrics.confusion import ConfusionMatrix
from nightseg_ros.replay import truth as replay_truth
from nightseg_ros.replay.background import ReadAhead, WriteBehind
from nightseg_ros.replay.rows import RowFile
from nightseg_ros.replay.truth import DriveScores


def test_reading_ahead_is_bounded_and_keeps_the_order():
    read = []

    def items():
        for index in range(50):
            read.append(index)
            yield index

    with ReadAhead(items(), depth=2) as ahead:
        for position, item in enumerate(ahead):
            assert item == position
            assert len(read) <= position + 5
    assert read == list(range(50))


def test_an_error_of_the_reader_is_raised_and_leaving_early_ends_its_thread():
    def broken():
        yield 1
        raise ValueError("broken")

    with ReadAhead(broken()) as ahead:
        found = iter(ahead)
        assert next(found) == 1
        with pytest.raises(ValueError, match="broken"):
            next(found)
    before = threading.active_count()
    with ReadAhead(range(1000), depth=1) as ahead:
        assert next(iter(ahead)) == 0
    assert threading.active_count() == before


def test_work_on_several_threads_keeps_the_order_and_is_bounded():
    both, begun = threading.Barrier(2, timeout=10), []

    def work(item):
        begun.append(item)
        if item < 2:
            both.wait()  # passes only where two are at work at once
        if item == 30:
            raise ValueError("broken")
        return -item

    with ReadAhead.of(work, iter(range(50)), workers=2) as ahead:
        found = iter(ahead)
        for position in range(30):
            assert next(found) == -position
            assert len(begun) <= position + 12
        with pytest.raises(ValueError, match="broken"):
            next(found)


def test_writing_behind_keeps_the_order_and_reports_errors():
    done = []
    with WriteBehind(depth=2) as writer:
        for index in range(20):
            writer.submit(done.append, index)
    assert done == list(range(20))

    def fails():
        raise OSError("disk full")

    def write():
        with WriteBehind() as writer:
            writer.submit(fails)
            writer.submit(done.append, "after the error")

    with pytest.raises(OSError, match="disk full"):
        write()
    assert done == list(range(20))


def test_rows_survive_and_a_row_that_was_cut_off_does_not_count(tmp_path: Path):
    rows = RowFile(tmp_path, {"bag": "a"})
    for index in range(3):
        rows.append({"index": index})
    rows.close()
    with rows.path.open("a", encoding="utf-8") as file:
        file.write('{"index": 3')
    again = RowFile(tmp_path, {"bag": "a"})
    assert again.done == 3
    again.append({"index": 3})
    assert [row["index"] for row in again.rows()] == [0, 1, 2, 3]
    again.close()
    other = RowFile(tmp_path, {"bag": "b"})
    assert (other.done, list(other.rows())) == (0, [])
    other.close()


@pytest.mark.parametrize("frames", [1, 4, 5, 16, 37])
def test_scores_of_a_long_drive_are_those_of_all_its_frames(monkeypatch, frames):
    monkeypatch.setattr(replay_truth, "MAX_BLOCKS", 4)
    rng = np.random.default_rng(0)
    matrix, scores = ConfusionMatrix(label_set("joint11")), DriveScores(label_set("joint11"))
    for _ in range(frames):
        truth, mask = rng.integers(0, 11, (2, 6, 7)).astype(np.uint8)
        truth[0] = 255
        matrix.update(truth, mask)
        scores.add(matrix.count(truth, mask), truth.size)
    expected, found = matrix.compute().to_dict(), scores.to_dict(bootstrap=20)
    assert found.pop("frames_per_block") >= frames / 4
    low, high = found.pop("miou_95")
    for row in found["per_class"].values():
        bounds = row.pop("iou_95")
        assert None in bounds or bounds[0] <= bounds[1]
    assert found == expected
    if frames > 8:
        assert low <= expected["miou"] <= high
