# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""nightseg darken as a user calls it, on made-up frames."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from support.made_up_data import make_data

from nightseg_ros.cli.main import main

pytest.importorskip("torch", reason="learning needs the extra train")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


def mean(path: Path) -> float:
    return float(cv2.imread(str(path)).mean()) / 255


def test_images_are_darkened_by_a_plain_curve(tmp_path, data, capsys):
    words = ["darken", "nightseg:{data}:bdd_labelled/train", "--data", str(data), "--json"]
    words += ["--method", "gamma", "--count", "2", "--out", str(tmp_path / "dark")]
    assert main([*words, "--exposure", "0.1"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["method"], result["exposures"]) == (2, "gamma", [0.1])
    made = sorted((tmp_path / "dark").glob("*.png"))
    assert len(made) == 2
    assert all(abs(mean(path) - 0.1) < 0.01 for path in made)
    assert main([*words, "--exposure", "0.02", "0.2"]) == 0
    folders = [tmp_path / "dark" / level for level in ("0.02", "0.2")]
    dark, bright = (mean(next(folder.glob("*.png"))) for folder in folders)
    assert dark < 0.04 < bright


def test_the_sheet_shows_every_exposure(tmp_path, data, capsys):
    sheet = tmp_path / "sheets" / "sheet.png"
    words = ["darken", str(data / "pool_day"), "--method", "reciprocal", "--sheet", str(sheet)]
    assert main([*words, "--exposure", "0.05", "0.3"]) == 0
    assert f"sheet {sheet}" in capsys.readouterr().out
    picture = cv2.imread(str(sheet))
    assert picture.shape[1] == 3 * 320  # as it is, and two exposures
    assert picture.shape[0] > 3 * 180
    columns = [picture[20:, x : x + 320].mean() / 255 for x in (0, 320, 640)]
    assert columns[1] < columns[2] < columns[0]


def test_the_trained_module_makes_uneven_nights(tmp_path, data, capsys):
    from nightseg_ros.learning.darkenings import save_darkening
    from nightseg_ros.learning.methods.darkening.config import DarkeningConfig
    from nightseg_ros.learning.networks.darkening import Darkening

    checkpoint = tmp_path / "darkening.pt"
    save_darkening(checkpoint, Darkening(), DarkeningConfig("small", ("a",), similarity=0.0))
    words = ["darken", str(data / "pool_day"), "--checkpoint", str(checkpoint), "--night"]
    words += ["--size", "96x64", "--out", str(tmp_path / "night"), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["exposures"] == "night"
    made = cv2.imread(str(next((tmp_path / "night").glob("*.png"))))
    assert made.shape == (96, 160, 3)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--method", "gamma"], "nothing to make"),
        (["--out", "x"], "no way to darken is named"),
        (["--out", "x", "--method", "gamma", "--exposure", "2"], "--exposure is 2"),
        (["--out", "x", "--method", "gamma", "--checkpoint", "a.pt"], "needs no --checkpoint"),
        (["--out", "x", "--method", "module"], "needs its checkpoint"),
        (["--sheet", "x.jpg", "--night", "--method", "gamma"], "draws exposures at random"),
    ],
)
def test_what_does_not_fit_together_is_refused(data, words, reason, capsys):
    assert main(["darken", str(data / "pool_day"), *words]) == 2
    assert reason in capsys.readouterr().err
