# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg fit-routing`: from frames to a file that `nightseg evaluate` goes by."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from nightseg_ros.cli.main import main
from nightseg_ros.files.machine import processor

MODELS = Path(__file__).parents[2] / "models"
PAIR = ["--model", f"{MODELS}/erf_pspnet_fast_day", "--model", f"{MODELS}/erf_pspnet_fast_night"]


@pytest.fixture
def frames(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for index in range(8):
        image = cv2.resize(rng.integers(0, 200, (6, 9, 3), np.uint8), (96, 64))
        label = cv2.resize(rng.integers(0, 5, (4, 6), np.uint8), (96, 64), interpolation=0)
        cv2.imwrite(str(tmp_path / "set" / "images" / f"{index}.png"), image)
        cv2.imwrite(str(tmp_path / "set" / "labels" / f"{index}.png"), label)
    return tmp_path


def test_a_policy_is_fitted_and_used(frames, capsys):
    out = frames / "routing"
    words = ["fit-routing", "--data", f"folder:{frames / 'set'}", *PAIR]
    words += ["--engine", "fake", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["frames"] == 32
    assert result["darkened_copies"] == 24
    assert set(result["costs_ms"]) == set(result["miou_alone"]) == {"day", "night"}
    assert 0.0 < result["miou_auto"] <= 1.0
    assert result["auto_ms"] <= max(result["costs_ms"].values()) + 0.01
    written = yaml.safe_load((out / "routing.yaml").read_text())
    assert set(written["quality"]) == {"day", "night"}
    assert written["costs_ms"] == result["costs_ms"]
    assert written["measured"]["processor"].startswith(processor())
    assert (out / "curves.csv").read_text().startswith("route,illumination,quality\nday,")

    written["quality"] = {"day": [[0.0, 0.9]], "night": [[0.0, 0.1]]}
    (out / "routing.yaml").write_text(yaml.safe_dump(written))
    use = ["evaluate", "--data", f"folder:{frames / 'set'}", *PAIR, "--engine", "fake"]
    use += ["--bootstrap", "0", "--route", "auto", "--json"]
    assert main([*use, "--routing", str(out / "routing.yaml")]) == 0
    assert json.loads(capsys.readouterr().out)["routes"] == {"day": 8}
    written["quality"] = {"day": [[0.0, 0.1]], "night": [[0.0, 0.9]]}
    (out / "routing.yaml").write_text(yaml.safe_dump(written))
    assert main([*use, "--routing", str(out / "routing.yaml")]) == 0
    assert json.loads(capsys.readouterr().out)["routes"] == {"night": 8}


def test_unlabelled_frames_and_wrong_exposures_are_refused(frames, capsys):
    out = ["--out", str(frames / "routing"), *PAIR]
    assert main(["fit-routing", "--data", f"unlabelled:{frames / 'set' / 'images'}", *out]) == 2
    assert "no class labels" in capsys.readouterr().err
    data = ["--data", f"folder:{frames / 'set'}", "--exposures", "1.5"]
    assert main(["fit-routing", *data, *out]) == 2
    assert "--exposures are [1.5]" in capsys.readouterr().err
