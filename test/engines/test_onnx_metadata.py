# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Metadata are read as the onnx package reads them, and from no bytes whatever comes a crash."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import models as tiny

from nightseg_ros.bundles.onnx_file import read_metadata

TEXT = st.text(max_size=200)


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=4))
def test_it_reads_what_onnx_writes(metadata: dict[str, str]) -> None:
    model = onnx.load_from_string(tiny.segmenter_onnx())
    onnx.helper.set_model_props(model, metadata)
    assert read_metadata(model.SerializeToString()) == metadata


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(data: bytes) -> None:
    assert isinstance(read_metadata(data), dict)


def test_shipped_models_are_read_as_onnx_reads_them(repository: Path) -> None:
    files = sorted((repository / "models").glob("*/model.onnx"))
    assert files
    for file in files:
        expected = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
        assert read_metadata(file.read_bytes()) == expected


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_what_is_cut_off_gives_nothing(cut: int) -> None:
    data = tiny.segmenter_onnx(metadata={"nightseg_precision": "int8"})
    assert read_metadata(data[:-cut]) == {}
