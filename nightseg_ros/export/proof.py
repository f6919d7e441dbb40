# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An exported network is held against the one it was made from before it becomes a model folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from nightseg_ros.engines.engine import Engine
from nightseg_ros.engines.parity import FP32, Parity, check_parity, measure_parity
from nightseg_ros.engines.select import create_engine
from nightseg_ros.export.finite import count_not_finite
from nightseg_ros.export.source import Source
from nightseg_ros.write_bundle import write_bundle

Image = NDArray[np.uint8]
LOOKED_AT = 8
"""Frames whose scores are looked at one by one, before the arg-max."""


def prove(
    source: Source,
    data: bytes,
    precision: str,
    frames: Sequence[Image],
    truths: Sequence[Image] | None = None,
    *,
    name: str = "the model",
    labels: str = "joint11",
    seen: Callable[[], object] = lambda: None,
) -> Parity:
    """Return how `data` compares with its source on `frames`, or refuse it.

    An fp32 network is compared with torch where it comes from there, any other with the fp32 ONNX
    on the CPU. `truths` are masks of the frames in the label set `labels`.
    """

    def counted() -> Iterator[Image]:
        for frame in frames:
            yield frame
            seen()

    with ExitStack() as stack:
        candidate = stack.enter_context(_engine(source, data, name))
        if precision == FP32 and source.engine is not None:
            reference = source.engine
        else:
            reference = stack.enter_context(_engine(source, source.onnx, name))
        own = source.labels.name if source.labels is not None else "cityscapes19"
        parity = measure_parity(
            reference, candidate, counted(), truths, labels=labels, prediction_labels=own
        )
    strange = count_not_finite(onnx.load_from_string(data), frames[:LOOKED_AT])
    parity = replace(parity, nan_count=parity.nan_count + strange)
    check_parity(parity, precision, name)
    return parity


@contextmanager
def _engine(source: Source, data: bytes, name: str) -> Iterator[Engine]:
    """Run a network from a model folder that is gone afterwards, as the node would."""
    with tempfile.TemporaryDirectory(prefix="nightseg_proof_") as folder:
        bundle = write_bundle(
            Path(folder, name),
            data,
            name=name,
            kind=source.kind,
            route=source.route,
            height=source.size[0],
            width=source.size[1],
            labels=source.labels,
        )
        with closing(create_engine(bundle, "onnxruntime-cpu")) as engine:
            yield engine
