# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg fid` and `nightseg translators` as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support.made_up_data import make_data

from nightseg_ros.cli.main import main

torch = pytest.importorskip("torch", reason="learning needs the extra train")


def day_model(path: Path) -> str:
    from nightseg_ros.learning.network_config import NetworkConfig
    from nightseg_ros.learning.networks.registry import create_network, save_checkpoint

    torch.manual_seed(0)
    config = NetworkConfig(width=0.25)
    save_checkpoint(path, create_network(config), config, {})
    return str(path)


def pictures(folder: Path, light: float, count: int = 12, seed: int = 0) -> str:
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for number in range(count):
        image = (rng.integers(0, 256, (32, 48, 3)) * light).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), image)
    return str(folder)


def test_fid_is_larger_between_unlike_folders(tmp_path, capsys):
    network = day_model(tmp_path / "day.pt")
    day = pictures(tmp_path / "day", 1.0)
    other_day = pictures(tmp_path / "other_day", 1.0, seed=1)
    night = pictures(tmp_path / "night", 0.2, seed=2)

    def fid(a: str, b: str) -> dict:
        assert main(["fid", a, b, "--features", network, "--size", "64x32", "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    near, far = fid(day, other_day), fid(day, night)
    assert far["fid"] > 3 * near["fid"] > 0
    assert far["images"] == [12, 12]
    assert "full rank" in far["note"]
    assert fid(day, day)["fid"] == pytest.approx(0.0, abs=1e-6)

    words = ["fid", day, night, "--features", network, "--size", "64x32", "--count", "10"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "10 and 10" in out
    assert "biased" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--features", "absent.pt"], "there is no checkpoint absent.pt"),
        (["--count", "40"], "need 40 or more"),
        (["--count", "3"], "use 10 or more"),
    ],
)
def test_what_cannot_be_compared_is_named(tmp_path, capsys, change, message):
    network = day_model(tmp_path / "day.pt")
    day = pictures(tmp_path / "day", 1.0)
    assert main(["fid", day, day, "--features", network, *change]) == 2
    assert message in capsys.readouterr().err


def test_too_few_images_are_refused(tmp_path, capsys):
    network = day_model(tmp_path / "day.pt")
    few = pictures(tmp_path / "few", 1.0, count=9)
    assert main(["fid", few, few, "--features", network]) == 2
    assert "holds 9 images; need 10" in capsys.readouterr().err


@pytest.mark.slow
def test_the_table_has_a_row_for_everything_and_writes_only_when_asked(
    tmp_path, capsys, monkeypatch
):
    pytest.importorskip("onnx", reason="exports need the extra train")
    from nightseg_ros.learning.methods.cyclegan.config import TranslateConfig
    from nightseg_ros.learning.networks.create_generator import create_generator
    from nightseg_ros.learning.translate import save_generator

    monkeypatch.chdir(tmp_path)
    data = make_data(tmp_path / "data")
    config = TranslateConfig("g", ("day",), ("night",), generator="light", filters=4, blocks=1)
    save_generator(tmp_path / "g.pt", create_generator("light", 4, 1), config)
    words = ["translators", "--data", str(data), "--day", day_model(tmp_path / "day.pt")]
    words += ["--translator", "mine=g.pt"]
    assert main([*words, "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows)[:3] == ["nothing", "gamma 0.5", "CLAHE"]
    assert rows["UNIT"]["absent"] == "there is no runs/unit_light/night2day.pt"
    # A light generator that was not trained changes nothing.
    assert rows["mine"]["night"] == pytest.approx(rows["nothing"]["night"], abs=0.5)
    assert rows["mine"]["gmac"] > 0
    assert {path.name for path in tmp_path.rglob("*.csv")} == {"manifest.csv"}
    assert main([*words, "--save", "out.csv"]) == 0
    assert "absent: CycleGAN" in capsys.readouterr().out
    assert (tmp_path / "out.csv").read_text().count("\n") == 10


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--day", "absent.pt"], "there is no day model absent.pt"),
        (["--day", "day.pt", "--translator", "x"], "write it as NAME=FILE"),
    ],
)
def test_wrong_words_are_named(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    day_model(tmp_path / "day.pt")
    data = make_data(tmp_path / "data")
    assert main(["translators", "--data", str(data), *words]) == 2
    assert message in capsys.readouterr().err
