# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg bench replay`: the bag it makes, the figures it reports, and that it cleans up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("rosbags.rosbag2")
from support import bags as bags
from support import models as tiny
from support.verbs import run

from nightseg_ros.cli import bench_replay
from nightseg_ros.cli.main import main
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.long_bag import START_NS, LongBag, LongDrive
from nightseg_ros.trials.memory import peak_memory


def test_the_long_bag_repeats_its_frames_with_stamps_of_their_own(tmp_path: Path):
    for raw in (False, True):
        file = tmp_path / f"{raw}.mcap"
        with LongBag(file, LongDrive(5, 96, 64, 10.0, distinct=2, raw=raw), 1e9) as bag:
            size = bag.fill(lambda what: None)
        (messages,) = bags.read_bag(file).values()
        assert [at - START_NS for at, _ in messages] == [i * 10**8 for i in range(5)]
        stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, m in messages]
        assert stamps == [at for at, _ in messages]
        data = [m.data.tobytes() for _, m in messages]
        assert data[0] == data[2] == data[4] != data[1] == data[3]
        assert abs(size - sum(map(len, data))) < 1000


def test_a_bag_that_is_too_large_is_refused_before_it_is_written(tmp_path: Path):
    with (
        pytest.raises(NightsegError, match=r"would take 0\.0 GB .*, the limit is 0\.0 GB"),
        LongBag(tmp_path / "a.mcap", LongDrive(9, 96, 64, distinct=1), 1e3) as bag,
    ):
        bag.fill(lambda what: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_figures_come_as_json_and_nothing_stays_behind(tmp_path: Path, capsys):
    models = tiny.models_folder(tmp_path / "models")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    argv = ["bench", "replay", "--json", "--minutes", "0.005", "--size", "96x64", "--fps", "10"]
    argv += ["--engine", "fake", "--models", str(models), "--scratch", str(scratch)]
    assert main(argv) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["size"], result["images"]) == (3, "96x64", "JPEG")
    assert result["engine_share"] is None
    assert result["peak_memory_bytes"] > 10**6
    assert list(scratch.iterdir()) == []
    text = bench_replay.render(result)
    assert "not measured with the fake engine" in text
    reported = bench_replay.render({**result, "engine_share": 0.5, "peak_memory_bytes": 2e9})
    assert "50.0 % of the time (goal at least 90 %: MISSED)" in reported
    assert "2000 MB (goal under 1500 MB in 10 minutes: MISSED)" in reported


def test_no_frame_is_no_measurement():
    with pytest.raises(NightsegError, match="are no frame"):
        run("bench", "replay", "--minutes", "0")


def test_the_peak_is_that_of_this_process():
    held = bytearray(80_000_000)
    with_it = peak_memory()
    assert with_it > len(held)
    del held
    assert peak_memory() > with_it - 10_000_000  # the kernel counts in steps
