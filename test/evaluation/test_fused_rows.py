# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The table says of the route fused what it gains, and whether that pays."""

from __future__ import annotations

import json
import re

import pytest

from nightseg_ros.bundle import default_models_dir
from nightseg_ros.errors import NightsegError
from nightseg_ros.evaluation.fused_rows import fused_rows, render_fused

NIGHT = "bdd_labelled_val@night"


def written(tmp_path, fused: float):
    path = tmp_path / "result.json"
    figures = {f"miou/{NIGHT}": fused, f"miou_second/{NIGHT}": 36.5}
    path.write_text(json.dumps({"figures": figures}))
    return path


@pytest.mark.parametrize(
    ("fused", "words"), [(36.6, r"\+0\.10 .* does not pay"), (39.0, r"\+2\.50 .* may pay")]
)
def test_the_verdict_follows_the_figures(tmp_path, fused, words):
    text = render_fused(fused_rows(written(tmp_path, fused)))
    (row,) = [line for line in text.splitlines() if line.startswith("fused:")]
    assert f"{fused:.1f}" in row.split()
    (verdict,) = [line for line in text.splitlines() if line.startswith("By night")]
    assert re.search(words, verdict)


def test_our_own_result_is_read():
    path = default_models_dir().parent / "config" / "results" / "fused.json"
    rows = fused_rows(path)
    assert all(value is not None for found in rows.values() for value in found.values())


def test_nothing_is_said_of_what_was_not_trained(tmp_path):
    assert fused_rows(tmp_path / "none.json") == {}


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "result.json"
    path.write_text('{"figures": 3}')
    with pytest.raises(NightsegError, match="is no result of the recipe fused"):
        fused_rows(path)
