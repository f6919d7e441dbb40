# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Live measurements on real graphs: what is counted, what is found, and that nothing stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs rclpy")
pytest.importorskip("rosbags.rosbag2")

from support import bags as bags
from support.fake_models import write_models
from support.patience import PATIENCE_S

from nightseg_ros.bags.source import Bag
from nightseg_ros.errors import NightsegError
from nightseg_ros.ros.statistics import STAGES
from nightseg_ros.trials.bench_node import Plan, measure
from nightseg_ros.trials.child_nodes import ChildNode, child_nodes, isolate
from nightseg_ros.trials.live.film import Film
from nightseg_ros.trials.live.graph import LiveGraph
from nightseg_ros.trials.live.measure import LivePlan, measure_live
from nightseg_ros.trials.process_usage import ProcessUsage

pytestmark = pytest.mark.ros
LEFT, RIGHT = "/left/image", "/right/image/compressed"


def film(folder: Path, cameras=(LEFT,), frames=12, **options) -> Film:
    """Return a film of 20 frames per second and camera."""
    content = []
    for index in range(frames):
        at = bags.START_NS + index * bags.STEP_NS // 2
        for camera in cameras:
            pixels = bags.picture(index)
            jpeg = camera.endswith("compressed")
            message = bags.jpeg(at, bags.jpeg_bytes(pixels)) if jpeg else bags.raw(at, pixels)
            content.append((camera, at, message))
    return Film(Bag(bags.write_bag(folder / "film.mcap", content)), cameras, **options)


def plan(models_dir, runs=1, rate=1.0, find_max_rate=False, **parameters) -> LivePlan:
    parameters = {"models_dir": str(models_dir), "engine": "fake", **parameters}
    return LivePlan(parameters, rate=rate, runs=runs, find_max_rate=find_max_rate)


def test_every_frame_of_a_slow_film_comes_back(tmp_path, models_dir):
    reported = []
    environment = dict(os.environ)
    live = measure_live(film(tmp_path), plan(models_dir, 3), lambda *what: reported.append(what))
    assert dict(os.environ) == environment
    assert [run["sent"] for run in live["runs"]] == [12, 12, 12]
    assert (live["runs_asked"], live["runs_kept"]) == (3, 1)
    assert (live["images"], live["loaded"]) == ("Image", True)
    for run in live["runs"]:
        account = run["account"]
        assert account["received"] == account["published"] + account["dropped"]
        assert account["lost_by_middleware"] == 12 - account["received"]
        assert run["masks"] >= 10  # a loaded machine may drop a frame, never many
        assert run["latency_ms"]["min"] > 0
        assert run["memory_mb"] > 10
    assert 15 < live["summary"]["sent_per_s"] < 25
    assert len(live["series"]) == 12
    assert live["node"]["models"]["day"] == "day"
    assert live["node"]["stages_ms"]["total"]["p50"] > 0
    assert live["max_rate"] is None
    assert ("run 3 of 3", 12) in reported


def test_what_a_slow_engine_misses_is_counted_as_dropped(tmp_path, models_dir):
    live = measure_live(film(tmp_path, frames=24), plan(models_dir, fake_delay_ms=120.0, rate=2.0))
    (run,) = live["runs"]
    assert 25 < run["sent_per_s"] < 50  # twice as fast as recorded
    assert run["missed"] > 8
    account = run["account"]
    assert account["dropped"] + account["lost_by_middleware"] == run["missed"]
    assert run["latency_ms"]["min"] >= 120
    assert any(latency is None for _, latency in live["series"])


@pytest.mark.parametrize("cameras", [(RIGHT,), (LEFT, RIGHT)])
def test_compressed_and_several_cameras(tmp_path, models_dir, cameras):
    live = measure_live(film(tmp_path, cameras), plan(models_dir))
    (run,) = live["runs"]
    assert live["images"] == ("CompressedImage" if len(cameras) == 1 else "Image")
    assert run["sent"] == 12 * len(cameras)
    assert run["masks"] >= 10 * len(cameras)
    assert run["account"]["rejected"] == 0


def test_a_film_that_does_not_fit_is_played_as_well(tmp_path, models_dir):
    live = measure_live(film(tmp_path, loaded_bytes=20_000), plan(models_dir, 2))
    assert not live["loaded"]
    assert [run["sent"] for run in live["runs"]] == [12, 12]
    assert all(run["masks"] >= 10 for run in live["runs"])


def test_bench_measures_through_the_same_graph():
    reported = []
    result = measure(Plan(1.5, 64, 48, 20.0, "fake", 10.0), reported.append)
    assert reported == [1]
    assert result["sent"] == 30
    assert result["account_exact"]
    assert result["received"] == result["published"] + result["dropped"]
    assert result["masks_back"] >= 15
    assert set(result["milliseconds"]) == {"latency", *STAGES}
    # No frame is faster than the engine's delay. Medians of different stages are not compared: each
    # is over the frames that were counted there.
    for stage in ("inference", "total", "latency"):
        assert result["milliseconds"][stage]["p50"] >= 10


@pytest.mark.slow
def test_highest_rate_is_near_what_the_engine_allows(tmp_path, models_dir, monkeypatch):
    import nightseg_ros.trials.live.measure as module

    monkeypatch.setattr(module, "TRIAL_S", 0.5)
    monkeypatch.setattr(module, "CONFIRM_S", 1.0)
    delayed = plan(models_dir, find_max_rate=True, fake_delay_ms=50.0)
    found = measure_live(film(tmp_path), delayed)["max_rate"]
    assert found["limit"] == "node"
    assert 4 < found["hz"] < 22  # 20 at best; less on a loaded machine
    assert found["missed_share"] < 0.05
    assert any(not trial["held"] for trial in found["trials"])


def tagged(tag: str) -> int:
    """Count the processes with this tag in their environment."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += tag.encode() in (process / "environ").read_bytes()
        except OSError:
            continue
    return found


def test_a_node_that_cannot_start_says_why_and_leaves_nothing(tmp_path, monkeypatch):
    tag = f"live-{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv("NIGHTSEG_TEST_TAG", tag)
    with pytest.raises(NightsegError, match=r"segmentation_node ended .* no models folder"):
        LiveGraph({"models_dir": str(tmp_path / "none"), "engine": "fake"}).__enter__()
    assert tagged(tag) == 0


def test_errors_of_the_film_end_the_run_and_the_node(tmp_path, models_dir, monkeypatch):
    tag = f"live-{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv("NIGHTSEG_TEST_TAG", tag)

    def torn():
        yield from film(tmp_path, frames=3)
        raise NightsegError("the film is torn")

    with LiveGraph({"models_dir": str(models_dir), "engine": "fake"}) as graph:
        assert tagged(tag) == 1
        with pytest.raises(NightsegError, match="the film is torn"):
            graph.run(torn())
        assert graph.run(film(tmp_path / "again", frames=3)).account["received"] >= 3
    assert tagged(tag) == 0


def test_isolation():
    chosen = {"ROS_DOMAIN_ID": "0"}
    assert isolate(chosen, always=False) == "0"
    assert chosen == {"ROS_DOMAIN_ID": "0"}
    assert int(isolate(chosen, always=True)) > 0
    assert chosen["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"


def test_parameters_reach_the_node_whatever_is_in_them(tmp_path):
    models = write_models(tmp_path / "models: a 'folder'", roles=("day",))
    node = ChildNode(
        "segmentation_node",
        {"models_dir": str(models), "engine": "fake", "day_model": "day"},
        {"image": "/x/image"},
        autostart=True,
    )
    with child_nodes([node], tmp_path / "log") as processes:
        time.sleep(0.5)
        log = tmp_path / "log/segmentation_node.log"
        end_s = time.monotonic() + PATIENCE_S
        while "configured: day day" not in log.read_text() and time.monotonic() < end_s:
            time.sleep(0.1)
        assert "configured: day day" in log.read_text()
        assert processes["segmentation_node"].poll() is None
    assert processes["segmentation_node"].returncode == 0


def test_usage_of_a_process():
    code = "import time\nhold = bytearray(80_000_000)\nprint('up', flush=True)\nwhile True: pass"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == b"up\n"
            usage = ProcessUsage(process.pid)
            time.sleep(0.5)
            usage.sample()
            assert 5 < usage.cpu_percent < 120
            assert 80 < usage.memory_mb < 200
        finally:
            process.kill()
    assert usage.memory_mb > 80  # what was seen is remembered
