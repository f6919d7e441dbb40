# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg table see_clearer`."""

from __future__ import annotations

import json

import pytest

from nightseg_ros.cli.main import main


def test_see_clearer(tmp_path, capsys):
    models = tmp_path / "models"
    models.mkdir()
    results = tmp_path / "config" / "results"
    results.mkdir(parents=True)
    (results / "see_clearer_sweep.csv").write_text("converted,seed,set,miou\n0,0,day,50.5\n")
    assert main(["table", "see_clearer", "--models", str(models)]) == 0
    out = capsys.readouterr().out
    assert "43.14" in out
    assert "50.5" in out
    assert main(["table", "see_clearer", "--models", str(models), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["table_2"]) == 9
    assert result["sweep"]["paper"]["BDD night"][2] == 44.4
    assert result["sweep"]["ours"][0]["miou"] == 50.5


def test_the_sweep_file_can_be_named(tmp_path, capsys):
    sweep = tmp_path / "mine.csv"
    sweep.write_text("converted,seed,set,miou\n0,0,dusk,41.5\n")
    assert main(["table", "see_clearer", "--models", str(tmp_path), "--sweep", str(sweep)]) == 0
    assert "41.5" in capsys.readouterr().out


def test_unknown_tables_are_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["table", "nothing"])
    assert caught.value.code == 2
    assert "see_clearer" in capsys.readouterr().err


def test_thesis_tells_theirs_ours_spread_and_what_stands_in(tmp_path, capsys):
    results = tmp_path / "config" / "results"
    results.mkdir(parents=True)
    (tmp_path / "models").mkdir()
    lines = ["training,seed,set,value,scale"]
    for seed, (day, both) in enumerate([(20.0, 25.0), (22.0, 29.0)]):
        lines += [f"day,{seed},bdd_labelled_val@night,{day},tiny"]
        lines += [f"daynight,{seed},bdd_labelled_val@night,{both},tiny"]
        lines += [f"daynight,{seed},recall,50,tiny"]
    (results / "thesis.csv").write_text("\n".join(lines) + "\n")
    command = ["table", "thesis", "--models", str(tmp_path / "models")]
    assert main([*command, "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert len(rows) == 20
    assert rows["8.3"]["paper"]["miou"] == 40.7
    assert rows["8.3"]["ours"]["night"] is None
    assert rows["1.1"]["ours"]["night"] == {"mean": 21.0, "std": 1.41, "seeds": 2}
    assert rows["3.1"]["ours"]["instead"] is False
    assert rows["2.1"]["ours"]["instead"] is True
    assert rows["2.1"]["ours"]["night"] == rows["3.1"]["ours"]["night"]
    assert main(command) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if line.startswith("2.1"))
    assert "daynight *" in line
    assert "27.0+-2.8" in line
    assert "not measured" in line
    assert line.endswith("+6.0")
    assert "our scale: tiny" in out
    (results / "thesis.csv").write_text(lines[0] + "\nday,0,x,140,tiny\n")
    assert main(command) == 2
    assert "thesis.csv:2: value is 140.0" in capsys.readouterr().err


def test_every_row_of_the_thesis_has_a_training():
    pytest.importorskip("torch", reason="learning needs the extra train")
    from nightseg_ros.evaluation.thesis_paper import ROWS
    from nightseg_ros.learning.thesis_config import TRAININGS

    names = [training.name for training in TRAININGS]
    for row in ROWS:
        assert {row.ours, row.instead or row.ours} <= set(names)
    assert set(names) == {row.ours for row in ROWS}
    for index, training in enumerate(TRAININGS):
        assert {training.init, training.teacher} - {""} <= set(names[:index])


def test_min_max_tells_theirs_ours_and_intervals(tmp_path, capsys):
    results = tmp_path / "config" / "results"
    results.mkdir(parents=True)
    (tmp_path / "models").mkdir()
    command = ["table", "min_max", "--models", str(tmp_path / "models")]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "44.9" in out
    assert "not measured; run `nightseg train config/recipes/min_max_sweep.yaml`" in out
    lines = ["training,seed,set,value,scale,low,high,gain,gain_low,gain_high"]
    for seed, value in enumerate((30.0, 32.0)):
        lines.append(f"full,{seed},bdd_labelled_val@night,{value},tiny,,,,,")
    lines.append("full,all,bdd_labelled_val@night 95,31.0,tiny,25.1,37.2,3.5,-0.4,7.1")
    (results / "min_max.csv").write_text("\n".join(lines) + "\n")
    assert main([*command, "--json"]) == 0
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["min_max"]}
    ours = rows["Similarity Min-Max"]["ours"]["night"]
    assert (ours["mean"], ours["std"], ours["seeds"]) == (31.0, 1.41, 2)
    assert (ours["gain"], ours["gain_low"]) == (3.5, -0.4)
    assert rows["before it: RUAS"]["ours"] is None
    assert main(command) == 0
    text = capsys.readouterr().out
    line = next(line for line in text.splitlines() if line.startswith("Similarity Min-Max  "))
    assert "31.0+-1.4  25.1 to 37.2  +3.5  -0.4 to +7.1" in line
    (results / "min_max.csv").write_text(lines[0] + "\nfull,all,recall 95,3,tiny,x,1,1,1,1\n")
    assert main(command) == 2
    assert "min_max.csv:2" in capsys.readouterr().err
