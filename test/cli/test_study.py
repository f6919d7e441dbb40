# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`nightseg study` as a user calls it; what a run does is tested with the runner."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nightseg_ros.cli.main import main


def test_a_table_as_text_json_and_markdown(capsys):
    assert main(["study", "table", "thesis"]) == 0
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("3.1"))
    cells = ["daynight", "17.5+-0.6", "+0.8", "15.5+-1.1", "25.0+-0.8", "87.9+-3.7"]
    assert line.split()[-6:] == cells
    assert main(["study", "table", "thesis", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["tables"][0]["rows"][0]
    assert row["ours"]["night"]["mean"] == 16.72
    assert main(["study", "table", "thesis", "--markdown"]) == 0
    assert "| 3.1 | day-night, perceptual loss | 33.9 |" in capsys.readouterr().out


def test_results_may_be_those_of_a_run(tmp_path, capsys):
    results = tmp_path / "mine.csv"
    results.write_text(
        "row,seed,set,images,value,low,high,gain,gain_low,gain_high,scale\n"
        "converted_7,0,night,7,41.5,,,,,,mine\n"
    )
    command = ["study", "table", "see_clearer", "--results", str(results)]
    assert main([*command, "--models", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "41.5" in out
    assert "our scale: mine" in out
    assert "not measured" in out


def test_the_picture_is_drawn_on_request(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curve.png"
    assert main(["study", "table", "see_clearer", "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_tables_need_no_torch():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'lightning']));"
        "from nightseg_ros.cli.main import main; sys.exit(main(['study', 'table', 'nisenet']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "AdaptSegNet" in done.stdout


def test_unknown_studies_are_named_with_those_there_are(capsys):
    assert main(["study", "table", "nothing"]) == 2
    error = capsys.readouterr().err
    assert "there is no study nothing; name a file, or one of fused, ideas, min_max," in error
