# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The paper's figures beside ours, and nothing invented where ours are missing."""

from __future__ import annotations

import pytest
import yaml

from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.see_clearer_paper import OUR_SETS, SWEEP, SWEEP_CONVERTED, TABLE_2
from nightseg_ros.evaluation.see_clearer_table import read_sweep, render_see_clearer, see_clearer
from nightseg_ros.labels import CITYSCAPES19


def write_model(models, name, metrics):
    (models / name).mkdir(parents=True)
    data = {
        "format": 1, "name": name, "kind": "segmentation", "route": "day", "file": "model.onnx",
        "sha256": "0" * 64, "input": {"height": 8, "width": 8}, "outputs": ["mask", "confidence"],
        "labels": CITYSCAPES19.to_dict(), "metrics": metrics,
    }  # fmt: skip
    (models / name / "model.yaml").write_text(yaml.safe_dump(data))


def row_of(text, *starts):
    (line,) = [x for x in text.splitlines() if all(start in x for start in starts)]
    return line


def test_without_ours_it_says_so(tmp_path):
    result = see_clearer(tmp_path, tmp_path / "none.csv")
    text = render_see_clearer(result)
    assert result["sweep"]["ours"] == []
    assert all(row["ours"]["miou"] is None for row in result["table_2"])
    assert text.count("not measured") == sum(bool(row.our_model) for row in TABLE_2) + 1
    assert "NOT on the same data" in text
    assert "[F]" in text


def test_the_papers_figures_are_those_of_the_paper(tmp_path):
    text = render_see_clearer(see_clearer(tmp_path, tmp_path / "none.csv"))
    assert row_of(text, "trained on BDD", "BDD night").split()[6:8] == ["32.72", "75.67"]
    assert "41.60" in row_of(text, "Dark Model Adaptation")
    assert "45.09" in row_of(text, "method 2", "ND (50)")
    assert all(len(values) == len(SWEEP_CONVERTED) for values in SWEEP.values())


def test_our_figures_come_from_the_models(tmp_path):
    write_model(tmp_path, "erf_pspnet_day", {"bdd_day_val": {"miou": 51.2, "class_accuracy": 60.5}})
    write_model(tmp_path, "erf_pspnet_night", {"bdd_night_val": {"miou": 44.25}, "other": "text"})
    text = render_see_clearer(see_clearer(tmp_path, tmp_path / "none.csv"))
    assert row_of(text, "trained on BDD", "BDD day").split()[-2:] == ["51.20", "60.50"]
    assert row_of(text, "method 2", "BDD night").split()[-2:] == ["44.25", "-"]
    assert "not measured" in row_of(text, "method 2", "BDD day")
    for key in OUR_SETS:
        assert key in text


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ({"bdd_day_val": {"miou": 0.512}}, "is 0.512; write percent"),
        ({"bdd_day_val": 51.2}, "need a mapping with miou"),
    ],
)
def test_figures_in_another_form_are_refused(tmp_path, metrics, said):
    write_model(tmp_path, "erf_pspnet_day", metrics)
    with pytest.raises(NightsegError, match=said):
        see_clearer(tmp_path, tmp_path / "none.csv")


def test_the_sweep_is_mean_and_spread_over_seeds(tmp_path):
    sweep = tmp_path / "sweep.csv"
    sweep.write_text(
        "converted,seed,set,miou\n0,0,day,50\n0,1,day,52\n0,2,day,54\n"
        "73,0,day,51\n0,0,night,30\n73,0,night,40\n"
    )
    points = {(point["set"], point["converted"]): point for point in read_sweep(sweep)}
    assert points["day", 0] == {"set": "day", "converted": 0, "seeds": 3, "miou": 52.0, "std": 2.0}
    assert points["night", 73]["std"] is None
    text = render_see_clearer(see_clearer(tmp_path, sweep))
    assert row_of(text, "day ", "52.0+-2.0").split() == ["day", "52.0+-2.0", "51.0"]
    assert row_of(text, "ours, of 73 images").split()[-2:] == ["0", "73"]
    assert "over 1 to 3 seeds" in text


def test_a_missing_point_of_the_sweep_is_not_filled_in(tmp_path):
    sweep = tmp_path / "sweep.csv"
    sweep.write_text("converted,seed,set,miou\n0,0,day,50\n9,0,night,40\n")
    text = render_see_clearer(see_clearer(tmp_path, sweep))
    assert row_of(text, "day ", "50.0").endswith("not measured")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("converted,miou\n0,50\n", "there is no column seed, set"),
        ("converted,seed,set,miou\nhalf,0,day,50\n", "sweep.csv:2: .* holds no number"),
        ("converted,seed,set,miou\n0,0,day,0.5\n", "sweep.csv:2 is 0.5; write percent"),
        ("converted,seed,set,miou\n0,0,day\n", "sweep.csv:2"),
    ],
)
def test_sweeps_that_cannot_be_read(tmp_path, content, said):
    (tmp_path / "sweep.csv").write_text(content)
    with pytest.raises(NightsegError, match=said):
        read_sweep(tmp_path / "sweep.csv")
