# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the Rerun viewer receives, with a fake of its library, and with the real one."""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.sole_writer import sole_file_writer
from nightseg_ros.labels.label_set import CITYSCAPES19, Label, LabelSet
from nightseg_ros.perception.frame_result import FrameResult
from nightseg_ros.replay import rerun_log
from nightseg_ros.replay.rerun_log import FLUSH_EVERY, RerunLog, load_rerun

MASK = np.arange(12, dtype=np.uint8).reshape(3, 4)
TIMES = {"inference": 3.0, "total": 5.0}


def part(kind):
    return lambda *args, **named: SimpleNamespace(kind=kind, args=args, **named)


class FakeRecording:
    def __init__(self, name):
        self.logged, self.times, self.flushes, self.open = [], [], 0, True
        self.target, self.file = None, None

    def save(self, path, default_blueprint):
        self.target = ("save", path, default_blueprint)
        self.file = Path(path).open("wb")  # noqa: SIM115

    def spawn(self, memory_limit, default_blueprint):
        self.target = ("spawn", memory_limit, default_blueprint)

    def connect_grpc(self, url, default_blueprint):
        raise ConnectionError("refused")

    def set_time(self, timeline, **at):
        self.times.append((timeline, at))

    def log(self, entity, content, static=False):
        self.logged.append((entity, content, static))
        if self.file is not None:
            self.file.write(b"x" * 10_000)

    def flush(self):
        self.flushes += 1

    def disconnect(self):
        self.open = False
        if self.file is not None:
            self.file.close()


@pytest.fixture
def rerun(monkeypatch):
    """The few names of the library that are used, and nothing else."""
    module = ModuleType("fake_rerun")
    kinds = (
        "AnnotationContext",
        "EncodedImage",
        "Scalars",
        "SegmentationImage",
        "SeriesLines",
        "TextLog",
    )
    for kind in kinds:
        setattr(module, kind, part(kind))
    module.RecordingStream = FakeRecording
    layout = ModuleType("fake_rerun.blueprint")
    for kind in (
        "Blueprint",
        "Horizontal",
        "Spatial2DView",
        "Tabs",
        "TextLogView",
        "TimeSeriesView",
        "Vertical",
    ):
        setattr(layout, kind, part(kind))
    monkeypatch.setitem(sys.modules, "fake_rerun", module)
    monkeypatch.setitem(sys.modules, "fake_rerun.blueprint", layout)
    return module


def result(route="night", reason="dark"):
    return FrameResult(MASK, 20 * MASK, route, reason, 0.25, TIMES)


def of(log, camera="front"):
    """Return entity -> contents that were logged for frames."""
    found = {}
    for entity, content, static in log._recording.logged:
        if not static:
            found.setdefault(entity.removeprefix(f"{camera}/"), []).append(content)
    return found


def test_a_frame_is_image_mask_confidence_and_curves(rerun, tmp_path):
    image = np.full((3, 4, 3), 200, np.uint8)
    with RerunLog(rerun, CITYSCAPES19, ["front"]) as log:
        log.save(tmp_path / "new" / "a.rrd")
        log.frame(7, "front", 1_767_283_200_000_000_123, image, result())
    assert log._recording.times == [
        ("frame", {"sequence": 7}),
        ("stamp", {"timestamp": np.datetime64(1_767_283_200_000_000_123, "ns")}),
    ]
    found = of(log)
    decoded = cv2.imdecode(np.frombuffer(found["image"][0].contents, np.uint8), cv2.IMREAD_COLOR)
    assert (decoded.shape, found["image"][0].media_type) == ((3, 4, 3), "image/jpeg")
    assert np.array_equal(found["mask"][0].args[0], MASK)
    assert "confidence" in found
    assert found["illumination"][0].args == (0.25,)
    assert found["route"][0].args == (1,)
    assert found["latency_ms/inference"][0].args == (3.0,)
    assert found["routing"][0].args == ("front: night (dark)",)


def test_classes_have_their_names_and_colours(rerun, tmp_path):
    with RerunLog(rerun, CITYSCAPES19, ["front", "rear"]) as log:
        log.save(tmp_path / "a.rrd")
    contexts = {e: c.args[0] for e, c, static in log._recording.logged if "Context" in c.kind}
    assert set(contexts) == {"front", "rear"}
    assert contexts["rear"][0] == (0, "road", (128, 64, 128))
    assert contexts["rear"][-1] == (255, "unlabelled", (0, 0, 0, 0))
    assert all(static for *_, static in log._recording.logged)


def test_255_classes_fit(rerun, tmp_path):
    rows = tuple(Label(id, f"class {id}", (id, 0, 1)) for id in range(255))
    with RerunLog(rerun, LabelSet("many", rows), ["front"]) as log:
        log.save(tmp_path / "a.rrd")
    (context,) = (c.args[0] for _, c, _ in log._recording.logged if "Context" in c.kind)
    assert [id for id, *_ in context] == list(range(256))


def test_routes_are_reported_when_they_change_and_frames_do_not_pile_up(rerun, tmp_path):
    with RerunLog(rerun, CITYSCAPES19, ["front"]) as log:
        log.save(tmp_path / "a.rrd")
        for index in range(2 * FLUSH_EVERY):
            route = "day" if index < 5 else "night"
            log.frame(index, "front", index * 10**8, np.zeros((3, 4, 3), np.uint8), result(route))
    assert [entry.args[0].split()[1] for entry in of(log)["routing"]] == ["day", "night"]
    assert log._recording.flushes == 2
    assert log._recording.times[-1] == ("stamp", {"duration": np.timedelta64(19 * 10**8, "ns")})


def test_the_viewer_needs_a_display(rerun, monkeypatch):
    log = RerunLog(rerun, CITYSCAPES19, ["front"])
    monkeypatch.setattr(rerun_log.sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(NightsegError, match="there is no display"):
        log.show("2GB")
    monkeypatch.setenv("DISPLAY", ":0")
    log.show("2GB")
    assert log._recording.target[:2] == ("spawn", "2GB")


def test_refusals_name_what_to_do(rerun, tmp_path, monkeypatch):
    log = RerunLog(rerun, CITYSCAPES19, ["front"])
    (tmp_path / "a.rrd").touch()
    with pytest.raises(NightsegError, match="exists already"):
        log.save(tmp_path / "a.rrd")
    with pytest.raises(NightsegError, match=r"needs the ending \.rrd"):
        log.save(tmp_path / "a.mcap")
    with pytest.raises(NightsegError, match="--connect rerun\\+http://x: refused"):
        log.send("rerun+http://x")
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(NightsegError, match=r"pip install '\.\[rerun\]'"):
        load_rerun()


@contextmanager
def full_disk(size):
    """Let no file of this process grow beyond `size`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def log_frames(rerun, file, frames):
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    with RerunLog(rerun, CITYSCAPES19, ["front"]) as log:
        log.save(file)
        for index in range(frames):
            log.frame(index, "front", index * 10**9, noise, result())
        log.flush()
        assert list(file.parent.glob("a.rrd")) == []  # nothing under its name before it is whole


@pytest.fixture(params=["a fake", "the library"])
def either(request):
    """The fake and, where it is installed, the real library."""
    if request.param == "a fake":
        return request.getfixturevalue("rerun")
    return pytest.importorskip("rerun", reason="rerun-sdk is not installed (extra rerun)")


def test_a_full_disk_ends_immediately_and_leaves_no_part_of_the_file(either, tmp_path):
    file = tmp_path / "a.rrd"
    for frames in (1, 50):  # noticed at the end, and while frames are still coming
        with full_disk(65_536), pytest.raises(NightsegError, match=r"cannot be written \(File too"):
            log_frames(either, file, frames)
        assert list(tmp_path.iterdir()) == []
    log_frames(either, file, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["a.rrd"]
    assert file.stat().st_size > 65_536


def test_an_error_on_the_way_leaves_no_part_of_the_file(either, tmp_path):
    def stop():
        with RerunLog(either, CITYSCAPES19, ["front"]) as log:
            log.save(tmp_path / "a.rrd")
            log.frame(0, "front", 0, np.zeros((3, 4, 3), np.uint8), result())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_never_write_one_file(rerun, tmp_path):
    with sole_file_writer(tmp_path / "a.rrd"):
        log = RerunLog(rerun, CITYSCAPES19, ["front"])
        with pytest.raises(NightsegError, match=r"a\.rrd is being written by process"):
            log.save(tmp_path / "a.rrd")


@pytest.mark.skipif(
    importlib.util.find_spec("rerun") is None, reason="rerun-sdk is not installed (extra rerun)"
)
def test_the_real_library_writes_a_file_with_all_of_it(tmp_path):
    import rerun

    file = tmp_path / "a.rrd"
    with RerunLog(rerun, CITYSCAPES19, ["front"]) as log:
        log.save(file)
        for index in range(3):
            log.frame(index, "front", index * 10**9, np.zeros((3, 4, 3), np.uint8), result())
        log.flush()
    command = [sys.executable, "-m", "rerun", "rrd", "print", str(file)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in ("image", "mask", "confidence", "illumination", "route", "latency_ms/inference"):
        assert f"/front/{name}" in printed
