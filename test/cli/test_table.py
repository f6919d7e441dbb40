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
        main(["table", "nisenet"])
    assert caught.value.code == 2
    assert "see_clearer" in capsys.readouterr().err
