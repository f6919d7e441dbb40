# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg replay` gives the masks of `nightseg segment`, compares, scores and goes on."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags.rosbag2")
from support import bags as bags
from support import models as tiny
from support import verbs
from support.drives import render_drive

from nightseg_ros.cli import replay
from nightseg_ros.cli.main import main
from nightseg_ros.drive.writers import BagWriter
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.sole_writer import contents, sole_file_writer, sole_folder_writer
from nightseg_ros.metrics.flicker import compared, motion
from nightseg_ros.replay import run as engine_loop
from nightseg_ros.replay.report import write_replay_report

FRAMES = 12
TRUTH = "/camera/ground_truth"


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    """A drive of 12 frames as d.mcap, d.db3 (JPEG) and raw.mcap."""
    folder = tmp_path_factory.mktemp("drive")
    frames = list(render_drive(3, FRAMES, (96, 64), fps=1.0))
    for name, raw in (("d.mcap", False), ("d.db3", False), ("raw.mcap", True)):
        with BagWriter(folder / name, raw=raw) as writer:
            for frame in frames:
                writer.write(frame)
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    return tiny.models_folder(tmp_path_factory.mktemp("models"))


def call(*argv: Any, models: Path) -> Any:
    return verbs.run(*argv, "--models", models, "--engine", "onnxruntime-cpu")


def masks(folder: Path) -> dict[str, Any]:
    found = {
        str(p.relative_to(folder)): cv2.imread(str(p), cv2.IMREAD_UNCHANGED)
        for p in sorted(folder.rglob("*.png"))
    }
    assert found
    return found


def same_masks(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def steady(result: dict[str, Any]) -> dict[str, Any]:
    """Return what two replays of the same frames must agree in: all but times and places."""
    kept = json.loads(json.dumps(result))
    for key in ("bag", "out", "seconds", "frames_per_s", "engine_share", "resumed", "gt"):
        kept.pop(key)
    for figures in kept["variants"].values():
        for key in ("latency_ms", "engine_ms", "stages_mean_ms"):
            figures.pop(key)
    return kept


@pytest.mark.parametrize("route", ["day", "night", "translate"])
def test_the_masks_are_those_of_segment(drive: Path, models: Path, tmp_path: Path, route: str):
    stills = tmp_path / "stills"
    stills.mkdir()
    for _, message in bags.read_bag(drive / "raw.mcap")["/camera/image"]:
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        pixels = message.data.reshape(message.height, message.width, 3)
        assert cv2.imwrite(str(stills / f"{stamp}.png"), pixels)
    call("segment", stills, "--out", tmp_path / "seg", "--route", route, models=models)
    out = tmp_path / "out"
    call("replay", drive / "raw.mcap", "--out", out, "--route", route, "--masks", models=models)
    assert same_masks(masks(out / "masks/camera__image"), masks(tmp_path / "seg"))


def test_sqlite_and_mcap_give_the_same_result(drive: Path, models: Path, tmp_path: Path):
    found = []
    for name in ("d.mcap", "d.db3"):
        out = tmp_path / name
        options = ["--route", "all", "--masks", "--gt", TRUTH]
        result = call("replay", drive / name, "--out", out, *options, models=models)
        found.append((steady(result), masks(out / "masks")))
    assert found[0][0] == found[1][0]
    assert same_masks(found[0][1], found[1][1])
    assert len(found[0][1]) == 4 * FRAMES


def test_raw_and_compressed_give_the_same_masks(models: Path, tmp_path: Path):
    raw, jpeg = [], []
    for i in range(4):
        data = bags.jpeg_bytes(bags.picture(i))
        jpeg.append(("/cam/compressed", bags.stamp(i), bags.jpeg(bags.stamp(i), data)))
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        raw.append(("/cam", bags.stamp(i), bags.raw(bags.stamp(i), decoded)))
    found = []
    for name, messages in (("raw.mcap", raw), ("jpeg.db3", jpeg)):
        bag = bags.write_bag(tmp_path / name, messages)
        out = tmp_path / f"{name}_out"
        call("replay", bag, "--out", out, "--masks", models=models)
        found.append(masks(out / "masks" / "cam"))
    assert same_masks(*found)


def test_all_routes_are_compared_on_the_same_frames(drive: Path, models: Path, tmp_path: Path):
    out, bag = tmp_path / "out", drive / "d.mcap"
    result = call("replay", bag, "--out", out, "--route", "all", "--masks", models=models)
    assert list(result["variants"]) == ["day", "night", "translate", "auto"]
    alone = call("replay", bag, "--out", tmp_path / "auto", "--masks", models=models)
    auto = result["variants"]["auto"]
    assert auto["routes"] == alone["variants"]["auto"]["routes"]
    assert set(auto["routes"]) == {"day", "night"}
    assert auto["route_changes"] == alone["variants"]["auto"]["route_changes"] >= 1
    assert same_masks(masks(out / "masks/auto"), masks(tmp_path / "auto/masks"))
    day, night = (np.stack([*masks(out / "masks" / r).values()]) for r in ("day", "night"))
    assert result["agreement"]["day-night"] == pytest.approx((day == night).mean(), abs=1e-6)
    assert result["variants"]["day"]["latency_ms"]["p50"] > 0
    with (out / "frames.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(FRAMES))
    assert {row["auto_route"] for row in rows} == {"day", "night"}
    assert json.loads((out / "replay.json").read_text())["frames"] == FRAMES
    files = ["frames.csv", "masks", "replay.json", "report.html", "strip"]
    assert sorted(p.name for p in out.iterdir()) == files
    text = replay.render(result)
    assert "agreement" in text
    assert "inside the engine" in text


def test_masks_are_scored_against_a_topic_or_a_folder(drive: Path, models: Path, tmp_path: Path):
    bag, out = drive / "d.mcap", tmp_path / "out"
    call("replay", bag, "--out", out, "--masks", "--route", "day", models=models)
    # The masks themselves as ground truth must score 100 %, those of another route less.
    own = out / "masks" / "camera__image"
    options = ["--route", "all", "--gt", own, "--label-set", "cityscapes19"]
    result = call("replay", bag, "--out", tmp_path / "own", *options, models=models)
    scores = {name: figures["scores"] for name, figures in result["variants"].items()}
    assert scores["day"]["miou"] == scores["day"]["pixel_accuracy"] == 100.0
    assert scores["night"]["pixel_accuracy"] < 50.0
    assert scores["day"]["images"] == FRAMES
    options = ["--route", "day", "--gt", TRUTH, "--label-set", "joint11"]
    scored = call("replay", bag, "--out", tmp_path / "topic", *options, models=models)
    found = scored["variants"]["day"]["scores"]
    assert (found["label_set"], found["images"]) == ("joint11", FRAMES)
    assert 0 < found["labelled_share"] < 100
    assert "mIoU" in replay.render(scored)


def test_a_stopped_replay_goes_on_and_ends_the_same(
    drive: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bag = drive / "d.mcap"
    options = ["--route", "all", "--gt", TRUTH, "--masks"]
    whole = call("replay", bag, "--out", tmp_path / "whole", *options, models=models)
    process, ran = engine_loop.Variants.process, []

    def stopping(self, frame):
        ran.append(frame.index)
        if len(ran) == 8:
            raise KeyboardInterrupt
        return process(self, frame)

    out = tmp_path / "out"
    monkeypatch.setattr(engine_loop.Variants, "process", stopping)
    with pytest.raises(KeyboardInterrupt):
        call("replay", bag, "--out", out, *options, models=models)
    assert not (out / "replay.json").exists()
    again = call("replay", bag, "--out", out, *options, models=models)
    # The last frame before the stop runs again: the next mask is compared with its mask.
    assert ran == [*range(8), *range(6, FRAMES)]
    assert again["resumed"] == 7
    assert steady(again) == steady(whole)
    assert same_masks(masks(out / "masks"), masks(tmp_path / "whole/masks"))
    strips = [
        {file.name: file.read_bytes() for file in (folder / "strip").iterdir()}
        for folder in (out, tmp_path / "whole")
    ]
    assert strips[0] == strips[1]
    assert len(strips[0]) == 6 * FRAMES
    same = ("index", "auto_route", "auto_accuracy", "agree_day-night", "reason")
    for name in (*same, "auto_flicker", "night_confidence"):
        columns = []
        for folder in (out, tmp_path / "whole"):
            with (folder / "frames.csv").open(newline="", encoding="utf-8") as file:
                columns.append([row[name] for row in csv.DictReader(file)])
        assert columns[0] == columns[1], name


def test_flicker_and_confidence_are_those_of_the_masks(models: Path, tmp_path: Path):
    rough = np.random.default_rng(1).integers(0, 256, (8, 16, 3), np.uint8)
    scene = cv2.resize(rough, (96, 48), interpolation=cv2.INTER_CUBIC)
    # The network sees the images as they are; each has one class more or less somewhere.
    images = [np.ascontiguousarray(scene[:, i : i + 64]) for i in range(8)]
    for i, image in enumerate(images):
        image[4 * i : 4 * i + 8, 20:40] += 9
    content = []
    for i, image in enumerate(images):  # two cameras take turns
        content.append((f"/cam{i % 2}", bags.stamp(i), bags.raw(bags.stamp(i), image)))
    bag, out = bags.write_bag(tmp_path / "a.mcap", content), tmp_path / "out"
    result = call("replay", bag, "--out", out, "--route", "day", "--masks", models=models)
    with (out / "frames.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {name: list(masks(out / "masks" / name).values()) for name in ("cam0", "cam1")}
    flicker, followed = [], []
    for i, row in enumerate(rows):
        # The tiny network gives the green channel as its confidence.
        sure = images[i][..., 1].mean() / 255
        assert float(row["day_confidence"]) == pytest.approx(sure, abs=1e-5)
        if i < 2:
            assert row["day_flicker"] == row["followed"] == ""
            continue
        grays = [
            cv2.cvtColor(compared(images[k], cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
            for k in (i - 2, i)
        ]
        moved = motion(*grays)
        before, mask = (compared(found[f"cam{i % 2}"][k]) for k in (i // 2 - 1, i // 2))
        flicker.append(moved.flicker(before, mask))
        followed.append(moved.followed.mean())
        assert float(row["day_flicker"]) == pytest.approx(flicker[-1], abs=1e-6)
        assert float(row["followed"]) == pytest.approx(followed[-1], abs=1e-6)
    figures = result["variants"]["day"]
    assert figures["flicker_mean"] == pytest.approx(np.mean(flicker), abs=1e-6)
    assert result["followed"]["mean"] == pytest.approx(np.mean(followed), abs=1e-6)
    assert min(flicker) > 0.001
    stages = ("preprocess", "translate", "inference", "postprocess")
    for row in rows:
        parts = sum(float(row[f"day_{stage}_ms"]) for stage in stages)
        assert parts == pytest.approx(float(row["day_total_ms"]), abs=0.01)


def test_a_camera_that_stops_is_reported_and_its_masks_dropped_on_demand(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def at(index: int) -> int:
        return min(index, 4) + max(0, index - 13)  # ten times the same picture

    content = [
        ("/cam", bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(at(i)))) for i in range(30)
    ]
    bag, out = bags.write_bag(tmp_path / "a.mcap", content), tmp_path / "out"
    options = ["--route", "day", "--masks", "--drop-invalid"]
    result = call("replay", bag, "--out", out, *options, models=models)
    (frozen,) = (fault for fault in result["faults"] if fault["fault"] == "frozen")
    assert bags.stamp(5) < frozen["start_ns"] < bags.stamp(13)
    assert bags.stamp(13) < frozen["end_ns"] < bags.stamp(29)
    assert result["visibility"]["min"] == 0.0
    assert "frozen" in replay.render(result)
    with (out / "frames.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    stopped = ["frozen" in row["faults"].split() for row in rows]
    files = masks(out / "masks" / "cam").values()
    # By the frames before: the camera is looked at when its mask is out.
    assert [bool((mask == 255).all()) for mask in files] == [False, *stopped[:-1]]
    for i, row in enumerate(rows):
        hidden = i > 0 and stopped[i - 1]
        # The tiny network gives the green channel as its confidence.
        expected = 0.0 if hidden else (bags.picture(at(i))[..., 1] < 128).mean()
        assert float(row["day_unsure"]) == pytest.approx(expected, abs=1e-6)
        assert row["day_novelty"] == ""
    assert "Trust</h3>" in (out / "report.html").read_text(encoding="utf-8")

    process = engine_loop.Variants.process

    def stopping(self, frame):
        if frame.index == 12:
            raise KeyboardInterrupt
        return process(self, frame)

    again = tmp_path / "again"
    with monkeypatch.context() as patch:
        patch.setattr(engine_loop.Variants, "process", stopping)
        with pytest.raises(KeyboardInterrupt):
            call("replay", bag, "--out", again, *options, models=models)
    resumed = call("replay", bag, "--out", again, *options, models=models)
    assert resumed["resumed"] == 12
    assert steady(resumed) == steady(result)
    assert same_masks(masks(again / "masks"), masks(out / "masks"))


def test_folders_of_earlier_versions_still_give_a_report(models: Path, tmp_path: Path):
    content = [("/cam", bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(i))) for i in range(4)]
    bag, out = bags.write_bag(tmp_path / "a.mcap", content), tmp_path / "out"
    call("replay", bag, "--out", out, "--route", "day", models=models)
    new = ("day_unsure", "day_novelty", "visibility", "faults", "region")
    with (out / "frames.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (out / "frames.csv").open("w", newline="", encoding="utf-8") as file:
        kept = [name for name in rows[0] if name not in new]
        table = csv.DictWriter(file, kept, extrasaction="ignore")
        table.writeheader()
        table.writerows(rows)
    result = json.loads((out / "replay.json").read_text())
    for name in ("visibility", "faults", "faults_left_out"):
        del result[name]
    (out / "replay.json").write_text(json.dumps(result))
    write_replay_report([out], out / "report.html")
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "Stability and confidence</h3>" in text
    assert "Trust</h3>" not in text


def test_other_options_start_afresh(drive: Path, models: Path, tmp_path: Path, monkeypatch):
    def stop(self, frame):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        process, count = engine_loop.Variants.process, []

        def third(self, frame):
            count.append(1)
            return process(self, frame) if len(count) < 3 else stop(self, frame)

        patch.setattr(engine_loop.Variants, "process", third)
        with pytest.raises(KeyboardInterrupt):
            call("replay", drive / "d.mcap", "--out", tmp_path, "--route", "day", models=models)
    result = call("replay", drive / "d.mcap", "--out", tmp_path, "--route", "night", models=models)
    assert result["resumed"] == 0
    assert result["variants"]["night"]["routes"] == {"night": FRAMES}


@pytest.mark.parametrize("suffix", [".mcap", ".db3"])
def test_a_cut_bag_is_replayed_up_to_the_cut(models: Path, tmp_path: Path, suffix: str):
    content = [("/cam", bags.stamp(i), bags.raw(bags.stamp(i), bags.picture(i))) for i in range(80)]
    folder = bags.write_bag(tmp_path / f"a{suffix}", content)
    file = bags.bag_file(folder)
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    result = call("replay", folder, "--out", tmp_path / "out", models=models)
    assert 30 <= result["frames"] <= 41
    assert result["stopped"]["last_bag_ns"] == bags.stamp(result["frames"] - 1)
    assert "STOPPED   after the frame at" in replay.render(result)


def test_cameras_have_routers_masks_and_truths_of_their_own(models: Path, tmp_path: Path):
    content = []
    for i in range(5):
        at = bags.stamp(i)
        content += [
            ("/front/image", at, bags.raw(at, bags.picture(i))),
            ("/rear/image", at, bags.raw(at, bags.picture(i, top=30))),
            ("/rear/labels", at, bags.raw(at, np.zeros((48, 64), np.uint8))),
        ]
    bag = bags.write_bag(tmp_path / "a.mcap", content)
    out, written = tmp_path / "out", tmp_path / "w.mcap"
    options = ["--masks", "--gt", "/rear/image=/rear/labels", "--write", written]
    result = call("replay", bag, "--out", out, *options, models=models)
    assert result["topics"] == {"/front/image": 5, "/rear/image": 5}
    assert result["variants"]["auto"]["routes"] == {"day": 5, "night": 5}
    assert result["variants"]["auto"]["route_changes"] == 0
    assert result["variants"]["auto"]["scores"]["images"] == 5
    assert len(masks(out / "masks/front__image")) == len(masks(out / "masks/rear__image")) == 5
    assert "/segmentation_node/rear__image/mask" in bags.read_bag(written)
    options = ["--topic", "/rear/image", "--route", "day"]
    one = call("replay", bag, "--out", tmp_path / "one", *options, models=models)
    assert one["topics"] == {"/rear/image": 5}
    with pytest.raises(NightsegError, match="write --gt CAMERA=TOPIC"):
        call("replay", bag, "--out", out, "--gt", "/rear/labels", models=models)


def test_topics_of_nearly_the_same_name_and_of_none_have_folders_of_their_own(
    models: Path, tmp_path: Path
):
    topics = ["/front/image", "/front_image", "/.."]
    content = []
    for i in range(2):
        at = bags.stamp(i)
        content += [(topic, at, bags.raw(at, bags.picture(i))) for topic in topics]
    bag, out = bags.write_bag(tmp_path / "a.mcap", content), tmp_path / "out"
    call("replay", bag, "--out", out, "--masks", "--route", "day", models=models)
    folders = sorted(path for path in (out / "masks").iterdir())
    assert len(folders) == 3
    assert [len(masks(folder)) for folder in folders] == [2, 2, 2]
    assert [path.name for path in out.rglob("*.png") if path.parent not in folders] == [
        path.name for path in (out / "strip").glob("*.png")
    ]


def test_a_second_replay_into_the_same_folder_or_bag_is_refused(
    drive: Path, models: Path, tmp_path: Path, capsys
):
    out, written = tmp_path / "out", tmp_path / "w.mcap"
    words = ["replay", drive / "d.mcap", "--out", out, "--models", models, "--route", "day"]
    words = [str(word) for word in [*words, "--engine", "fake"]]
    with sole_folder_writer(out):
        assert main(words) == 2
        assert f"{out} is being written by process {os.getpid()}" in capsys.readouterr().err
        assert main([*words, "--jobs", "1"]) == 2
        assert "is being written by process" in capsys.readouterr().err
        assert contents(out) == []
    with sole_file_writer(written):
        assert main([*words, "--write", str(written)]) == 2
        assert f"{written} is being written by process" in capsys.readouterr().err
    assert main([*words, "--write", str(written)]) == 0
    assert not list(tmp_path.rglob("*.lock"))


def test_the_written_bag_has_the_masks_with_equal_stamps(drive: Path, models: Path, tmp_path: Path):
    written, out = tmp_path / "w.mcap", tmp_path / "out"
    options = ["--masks", "--write", written]
    call("replay", drive / "d.mcap", "--out", out, *options, models=models)
    source = bags.read_bag(drive / "d.mcap")["/camera/image/compressed"]
    bag = bags.read_bag(written)
    mask, overlay, route = "mask", "overlay/compressed", "route"
    topics = [
        f"/segmentation_node/{mask}",
        f"/overlay_node/{overlay}",
        f"/segmentation_node/{route}",
    ]
    assert set(bag) == {*topics, "/diagnostics"}
    for topic in topics:
        assert [at for at, _ in bag[topic]] == [at for at, _ in source]
    for topic in topics[:2]:
        assert [m.header for _, m in bag[topic]] == [m.header for _, m in source]
    files = list(masks(out / "masks").values())
    for file, (_, message) in zip(files, bag[topics[0]], strict=True):
        assert np.array_equal(message.data.reshape(message.height, message.width), file)
    picture = cv2.imdecode(bag[topics[1]][0][1].data, cv2.IMREAD_COLOR)
    assert picture.shape == (64, 96, 3)
    assert {m.data for _, m in bag[topics[2]]} == {"day", "night"}
    with pytest.raises(NightsegError, match="exists already"):
        call("replay", drive / "d.mcap", "--out", out, "--write", written, models=models)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--topic", "/nothing"], "no images on '/nothing'"),
        (["--gt", "/nothing"], "--gt /nothing is neither a topic of the bag nor a folder"),
        (["--gt", f"/other={TRUTH}"], "names no camera"),
        (["--gt", "/camera/light"], "need Image"),
        (["--write", "x.bag"], "needs the ending"),
        (["--route", "day", "--model", "tiny_night"], "route day does not use tiny_night"),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    drive: Path, models: Path, tmp_path: Path, options: list[str], reason: str
):
    with pytest.raises(NightsegError, match=reason):
        call("replay", drive / "d.mcap", "--out", tmp_path / "out", *options, models=models)


def test_as_json_nothing_but_json_is_printed(
    drive: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    argv = ["replay", drive / "d.db3", "--out", tmp_path, "--models", models, "--route", "day"]
    assert main([str(word) for word in [*argv, "--json"]]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "replay.json").read_text())
    assert printed["frames"] == FRAMES
