# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rivals beside our node: the same network gives the same masks, and all are measured alike."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs rclpy")
pytest.importorskip("rosbags.rosbag2")

import onnxruntime as ort
from support import bags
from support.models import expected_mask, models_folder, segmenter, translator
from support.verbs import run

from nightseg_ros.cli import bench_systems
from nightseg_ros.cli.main import main
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.bench_systems import DETECTOR, OURS, TUTORIAL
from nightseg_ros.trials.rivals.scores_graph import scores_graph

pytestmark = pytest.mark.ros


def test_a_cut_network_gives_the_scores_of_its_mask(tmp_path):
    image = bags.picture(3)
    session = ort.InferenceSession(scores_graph(segmenter(tmp_path / "day")))
    (scores,) = session.run(None, {"image": image[None]})
    assert scores.shape == (1, 19, 48, 64)
    assert np.array_equal(scores[0].argmax(axis=0), expected_mask(image))


def test_a_network_without_scores_is_refused(tmp_path):
    with pytest.raises(NightsegError, match="its mask is no arg-max"):
        scores_graph(translator(tmp_path / "night2day"))


@pytest.mark.slow
def test_all_systems_are_played_the_same_and_give_the_same_mask(tmp_path):
    """The images have the size of the network, so not one pixel may differ."""
    stamps = [bags.stamp(index) for index in range(4)]
    images = [("/cam/image", at, bags.raw(at, bags.picture(at % 7))) for at in stamps]
    bag = bags.write_bag(tmp_path / "bag.mcap", images)
    models, out = models_folder(tmp_path / "models"), tmp_path / "out"
    words = ["--bag", bag, "--models", models, "--model", "tiny_day", "--out", out]
    result = run("bench", "systems", *words, "--rates", 20, 10, "--seconds", 0.5, "--runs", 1)
    assert result["same_pixels"] == {OURS: 1.0, TUTORIAL: 1.0, DETECTOR: 1.0}
    cells = {(row["name"], row["hz"]): row for row in result["rows"]}
    assert cells.keys() == {(name, hz) for name in result["same_pixels"] for hz in (10, 20)}
    for (_, hz), row in cells.items():
        assert row["sent"] == hz / 2
        assert row["masks"] > 0
        assert row["memory_mb"] > 10
    text = bench_systems.render(result)
    assert "tiny_day on onnxruntime-cpu in all" in text
    assert "pixels of a mask that equal ours: 100 %" in text
    assert json.loads((out / "systems.json").read_text())["model"] == "tiny_day"
    with (out / "systems.csv").open() as file:
        assert len(list(csv.reader(file))) == 1 + len(cells)
    assert "Systems side by side" in (out / "systems.html").read_text()


@pytest.mark.parametrize("words", [("--rates", "0"), ("--seconds", "-1"), ("--threads", "-1")])
def test_impossible_plans_are_refused(words, capsys):
    assert main(["bench", "systems", *words]) == 2
    assert "must be positive" in capsys.readouterr().err


def test_no_run_at_all_is_refused(capsys):
    assert main(["bench", "systems", "--runs", "0"]) == 2
    assert "--runs is 0" in capsys.readouterr().err
