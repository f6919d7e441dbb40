# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg segment` writes the masks that the networks give, and loses nothing silently."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support import models as tiny
from support import verbs

from nightseg_ros.cli import segment
from nightseg_ros.cli.main import main
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.json_file import to_json
from nightseg_ros.files.sole_writer import contents, sole_folder_writer
from nightseg_ros.labels.label_set import label_set

SIZE = (tiny.HEIGHT, tiny.WIDTH)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tiny.models_folder(tmp_path / "models")


@pytest.fixture
def run(models: Path, tmp_path: Path) -> Any:
    def call(*argv: str | Path, folder: Path = models, engine: str = "onnxruntime-cpu") -> Any:
        options = ["--out", tmp_path / "out", "--models", folder, "--engine", engine]
        return verbs.run("segment", *argv, *options)

    return call


def picture(seed: int = 0, size: tuple[int, int] = SIZE, top: int = 256) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, top, (*size, 3), np.uint8)


def save(path: Path, image: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path


def mask(path: Path) -> NDArray[np.uint8]:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return np.asarray(found, np.uint8)


def test_masks_are_those_of_the_network_at_the_size_of_the_input(run: Any, tmp_path: Path) -> None:
    small, large = picture(1), picture(2).repeat(2, 0).repeat(2, 1)
    save(tmp_path / "in" / "small.png", small)
    save(tmp_path / "in" / "large.bmp", large)
    result = run(tmp_path / "in", "--route", "day")
    assert mask(tmp_path / "out" / "small.png").ndim == 2
    assert np.array_equal(
        mask(tmp_path / "out" / "small.png"), tiny.expected_mask(small[..., ::-1])
    )
    expected = tiny.expected_mask(picture(2)[..., ::-1]).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(mask(tmp_path / "out" / "large.png"), expected)
    assert (result["written"], result["routes"], result["exit_code"]) == (2, {"day": 2}, 0)
    assert result["models"] == {"day": "tiny_day"}
    assert result["engines"]["day"]["provider"] == "CPUExecutionProvider"
    to_json(result)
    assert segment.render(result).startswith(f"2 masks in {tmp_path / 'out'} (route day 2)")


def test_auto_judges_each_image_on_its_own(run: Any, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a_dark.png", picture(top=30))
    bright = save(tmp_path / "in" / "b_bright.png", picture())
    assert run(tmp_path / "in")["routes"] == {"night": 1, "day": 1}
    expected = tiny.expected_mask(mask(bright)[..., ::-1], seed=0)
    assert np.array_equal(mask(tmp_path / "out" / "b_bright.png"), expected)


def test_a_named_model_brings_its_route(run: Any, models: Path, tmp_path: Path) -> None:
    tiny.segmenter(models / "other_night", seed=7, route="night")
    image = save(tmp_path / "a.png", picture())
    with pytest.raises(NightsegError, match="several bundles for 'night'"):
        run(image)
    result = run(image, "--model", "other_night")
    assert (result["routes"], result["models"]) == ({"night": 1}, {"night": "other_night"})
    expected = tiny.expected_mask(picture()[..., ::-1], seed=7)
    assert np.array_equal(mask(tmp_path / "out" / "a.png"), expected)


def test_route_fused_takes_the_model_that_is_there(run: Any, models: Path, tmp_path: Path) -> None:
    tiny.segmenter(models / "both", seed=7, route="fused")
    image = save(tmp_path / "a.png", picture())
    assert "fused" not in run(image)["models"]
    for words in (("--route", "fused"), ("--model", "both")):
        result = run(image, *words)
        assert (result["routes"], result["models"]) == ({"fused": 1}, {"fused": "both"})
        expected = tiny.expected_mask(picture()[..., ::-1], seed=7)
        assert np.array_equal(mask(tmp_path / "out" / "a.png"), expected)


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--model", "none"], "there is no model 'none' in .*; it contains tiny_day, tiny_night"),
        (["--model", "tiny_day", "--route", "night"], "route night does not use tiny_day"),
        (["--confidence-threshold", "2"], "confidence_threshold is 2.0"),
    ],
)
def test_requests_that_contradict_themselves_are_refused(
    run: Any, tmp_path: Path, argv: list[str], reason: str
) -> None:
    with pytest.raises(NightsegError, match=reason):
        run(save(tmp_path / "a.png", picture()), *argv)


def test_a_route_without_its_model_is_refused(run: Any, tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "few" / "only_day")
    image = save(tmp_path / "a.png", picture())
    with pytest.raises(NightsegError, match="no usable 'night' model"):
        run(image, "--route", "night", folder=tmp_path / "few")


def test_models_of_different_label_sets_do_not_mix(run: Any, tmp_path: Path) -> None:
    tiny.segmenter(tmp_path / "mixed" / "a")
    tiny.segmenter(tmp_path / "mixed" / "b", route="night", labels=label_set("joint11"))
    image = save(tmp_path / "a.png", picture())
    with pytest.raises(NightsegError, match="different classes"):
        run(image, folder=tmp_path / "mixed")
    assert run(image, "--route", "night", folder=tmp_path / "mixed")["written"] == 1


def test_unsure_pixels_become_unlabelled(run: Any, tmp_path: Path) -> None:
    image = picture()
    run(save(tmp_path / "a.png", image), "--route", "day", "--confidence-threshold", "0.5")
    expected = tiny.expected_mask(image[..., ::-1])
    expected[image[..., 1] < 128] = 255
    assert np.array_equal(mask(tmp_path / "out" / "a.png"), expected)


def test_unsure_pixels_of_the_overlay_are_hatched(run: Any, tmp_path: Path) -> None:
    image = np.full((360, 640, 3), 60, np.uint8)
    image[:, :500, 1] = 255  # the tiny network gives the green channel as its confidence
    run(save(tmp_path / "a.png", image), "--overlay")
    drawn = mask(tmp_path / "out" / "a_overlay.jpg")
    bright = (drawn > 200).all(axis=2)[:, 400:]
    assert not bright[:, :80].any()
    assert 0.05 < bright[:, 120:].mean() < 0.5


def test_an_overlay_of_the_same_size_comes_beside_the_mask(run: Any, tmp_path: Path) -> None:
    run(save(tmp_path / "a.png", picture(size=(360, 640))), "--overlay")
    assert mask(tmp_path / "out" / "a_overlay.jpg").shape == (360, 640, 3)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "a_overlay.jpg"]


def film(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, SIZE[::-1])
    if not writer.isOpened():
        pytest.skip("this OpenCV cannot write MJPG videos")
    for index in range(frames):
        writer.write(np.full((*SIZE, 3), 40 * index % 256, np.uint8))
    writer.release()
    return path


def test_a_video_gives_one_mask_for_each_frame(run: Any, tmp_path: Path) -> None:
    video = film(tmp_path / "drive.avi", 5)
    result = run(video, "--route", "day")
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == [f"drive_{index:06d}.png" for index in range(5)]
    assert result["written"] == 5
    gray = np.full((*SIZE, 3), 160, np.uint8)
    assert np.array_equal(mask(tmp_path / "out" / names[4]), tiny.expected_mask(gray))


def test_a_cut_video_is_reported_with_how_many_frames_it_gave(run: Any, tmp_path: Path) -> None:
    video = film(tmp_path / "drive.avi", 30)
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    result = run(video, "--route", "day")
    written = result["written"]
    assert 0 < written < 25
    (failure,) = result["failed"]
    assert f"cut off or damaged: it can be decoded for {written} of 30 frames" in failure["reason"]
    assert result["exit_code"] == 2
    assert len(list((tmp_path / "out").iterdir())) == written  # what it gave is kept


@pytest.mark.parametrize("ending", [".png", ".mp4"])
def test_pipes_devices_and_links_to_them_are_refused(run: Any, tmp_path: Path, ending: str) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / f"in/a{ending}")
    (tmp_path / f"in/b{ending}").symlink_to("/dev/zero")
    (tmp_path / f"in/c{ending}").symlink_to("/nowhere")
    save(tmp_path / "in/d.png", picture())
    result = run(tmp_path / "in")
    reasons = [failure["reason"] for failure in result["failed"]]
    assert "is a named pipe, or a link to one" in reasons[0]
    assert "is a device, or a link to one" in reasons[1]
    assert "No such file" in reasons[2]
    assert (result["written"], result["exit_code"]) == (1, 2)


def test_what_cannot_be_read_is_reported_and_the_rest_goes_on(run: Any, tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", picture())
    empty, noise, video = tmp_path / "e.png", tmp_path / "n.jpg", tmp_path / "v.mp4"
    empty.write_bytes(b"")
    noise.write_bytes(os.urandom(500))
    video.write_bytes(b"no video")
    missing = tmp_path / "missing.png"
    result = run(empty, noise, video, missing, good, tmp_path / "missing.mp4")
    assert result["written"] == 1
    assert result["exit_code"] == 2
    failed = {Path(failure["input"]).name: failure["reason"] for failure in result["failed"]}
    assert list(failed) == ["e.png", "n.jpg", "v.mp4", "missing.png", "missing.mp4"]
    assert "not an image" in failed["n.jpg"]
    assert "not a video" in failed["v.mp4"]
    assert "No such file" in failed["missing.png"]
    assert segment.render(result).count("failed: ") == 5
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["good.png"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("x.png", "x.jpg"), "under the same names"),
        (("v.avi", "v.mp4"), "under the same names"),
        (("v.avi", "v_000001.png"), "could be overwritten by a frame of"),
    ],
)
def test_results_that_would_overwrite_each_other_are_refused(
    run: Any, tmp_path: Path, names: tuple[str, ...], reason: str
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(NightsegError, match=reason):
        run(*(tmp_path / name for name in names))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("inputs", "kept"),
    [
        (("in/a.jpg", "out/a_overlay.jpg"), "out/a_overlay.jpg"),
        (("in/v.avi", "out/v_000002_overlay.jpg"), "out/v_000002_overlay.jpg"),
        (("in/a.bmp", "in/link.png"), "out/a_overlay.jpg"),
    ],
)
def test_an_overlay_never_replaces_an_input(
    run: Any, tmp_path: Path, inputs: tuple[str, ...], kept: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    before = save(tmp_path / kept, picture()).read_bytes()
    for name in inputs:
        if name.endswith(".avi"):
            film(tmp_path / name, 3)
        elif name == "in/link.png":
            (tmp_path / name).symlink_to(tmp_path / kept)
        elif name != kept:
            save(tmp_path / name, picture(1))
    files = [tmp_path / name for name in inputs]
    with pytest.raises(NightsegError, match="would replace it; choose another --out"):
        run(*files, "--overlay")
    assert (tmp_path / kept).read_bytes() == before
    assert run(*files)["exit_code"] == 0  # the masks alone are in nobody's way


def test_a_second_run_into_the_same_folder_is_refused(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, out = save(tmp_path / "a.png", picture()), tmp_path / "out"
    words = ["segment", str(image), "--out", str(out), "--models", str(models), "--engine", "fake"]
    with sole_folder_writer(out):
        assert main(words) == 2
        assert f"{out} is being written by process {os.getpid()}" in capsys.readouterr().err
        assert contents(out) == []
    assert main(words) == 0
    assert [path.name for path in out.iterdir()] == ["a.png"]


def test_an_input_is_never_overwritten(run: Any, tmp_path: Path) -> None:
    image = save(tmp_path / "out" / "a.png", picture())
    before = image.read_bytes()
    with pytest.raises(NightsegError, match="would replace it"):
        run(image)
    assert image.read_bytes() == before


def test_a_folder_without_pictures_is_refused(run: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("nothing to see")
    with pytest.raises(NightsegError, match="holds no image and no video"):
        run(tmp_path / "in")


def test_the_fake_engine_serves_too(run: Any, tmp_path: Path) -> None:
    image = picture()
    run(save(tmp_path / "a.png", image), "--route", "day", engine="fake")
    assert np.array_equal(mask(tmp_path / "out" / "a.png"), image[..., 1] // 8 % 19)
