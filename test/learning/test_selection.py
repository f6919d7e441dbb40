# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Selection from a pool: what looks like the domain comes first, whatever it is measured by."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.cli.main import main  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network, save_checkpoint  # noqa: E402
from nightseg_ros.learning.selection import histogram_distance, luma_histogram  # noqa: E402


@pytest.fixture
def pool(tmp_path):
    """Six images, dark ones with even numbers; the reference is dark."""
    rng = np.random.default_rng(0)
    for folder, count in (("pool", 6), ("domain", 3)):
        (tmp_path / folder).mkdir()
        for index in range(count):
            top = 60 if folder == "domain" or index % 2 == 0 else 250
            image = cv2.resize(rng.integers(0, top, (9, 15, 3), np.uint8), (240, 136))
            cv2.imwrite(str(tmp_path / folder / f"{index}.png"), image)
    return tmp_path


def chosen(folder) -> set[str]:
    return {path.name for path in (folder / "images").iterdir()}


def test_the_distance_is_how_far_the_light_moves():
    dark, grey, bright = (luma_histogram(np.full((4, 4), v, np.uint8)) for v in (0, 127, 255))
    assert histogram_distance(dark, bright) == pytest.approx(1.0)
    assert histogram_distance(dark, grey) == pytest.approx(31 / 63)
    assert histogram_distance(grey, dark) == histogram_distance(dark, grey)


@pytest.mark.parametrize("by", ["histogram", "fid"])
def test_the_dark_ones_are_chosen(pool, by, capsys):
    torch.manual_seed(0)
    config = NetworkConfig(width=0.25)
    save_checkpoint(pool / "model.pt", create_network(config), config, {})
    words = ["data", "select", "--images", f"unlabelled:{pool / 'pool'}", "--by", by]
    words += ["--reference", f"unlabelled:{pool / 'domain'}", "--out", str(pool / "out")]
    words += ["--network", str(pool / "model.pt"), "--json"]
    assert main([*words, "--count", "3"]) == 0
    assert json.loads(capsys.readouterr().out)["chosen"] == 3
    assert chosen(pool / "out") == {"0.png", "2.png", "4.png"}
    with (pool / "out" / "distances.csv").open() as file:
        rows = list(csv.DictReader(file))
    distances = [float(row["distance"]) for row in rows]
    assert distances == sorted(distances)
    assert [row["chosen"] for row in rows] == ["1", "1", "1", "0", "0", "0"]
    for name in ("best", "worst"):
        assert cv2.imread(str(pool / "out" / f"{name}.jpg")) is not None

    limit = (distances[1] + distances[2]) / 2
    assert main([*words, "--threshold", str(limit)]) == 0
    assert len(chosen(pool / "out")) == 2  # those of the first selection are gone
    assert main([*words, "--threshold", "0"]) == 2
    assert "no image is within 0" in capsys.readouterr().err
    assert main(words) == 2
