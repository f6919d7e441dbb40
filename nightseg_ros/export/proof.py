# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Compares an exported network with its source before it becomes a model folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper
from onnx.shape_inference import infer_shapes

from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.engines.graph_check import INPUT
from nightseg_ros.engines.parity import FP32, Parity, check_parity, measure_parity
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.labels.label_set import CITYSCAPES19

if TYPE_CHECKING:
    from nightseg_ros.engines.engine import Engine
    from nightseg_ros.export.source import Source

Image = NDArray[np.uint8]
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)
CHECKED = 8
"""Frames whose scores are checked before the arg-max."""


def prove(
    source: Source,
    data: bytes,
    precision: str,
    frames: Sequence[Image],
    truths: Sequence[Image] | None = None,
    *,
    name: str = "the model",
    on_frame: Callable[[], object] = lambda: None,
) -> Parity:
    """Return the parity of `data` with its source on `frames`, or refuse it.

    An fp32 network from torch is compared with torch, any other with the fp32 ONNX
    on the CPU. `truths` are masks of the frames in the label set that the model is scored in.
    """

    def counted() -> Iterator[Image]:
        for frame in frames:
            yield frame
            on_frame()

    with ExitStack() as stack:
        candidate = stack.enter_context(_engine(source, data, name))
        if precision == FP32 and source.engine is not None:
            reference = source.engine
        else:
            reference = stack.enter_context(_engine(source, source.onnx, name))
        labels = source.labels or CITYSCAPES19
        parity = measure_parity(reference, candidate, counted(), truths, labels=labels)
    not_finite = count_not_finite(onnx.load_from_string(data), frames[:CHECKED])
    parity = replace(parity, nan_count=parity.nan_count + not_finite)
    check_parity(parity, precision, name)
    return parity


@contextmanager
def _engine(source: Source, data: bytes, name: str) -> Iterator[Engine]:
    """Run a network from a temporary model folder, like the node."""
    with scratch_folder("proof") as folder:
        bundle = write_bundle(
            folder / name,
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


def count_not_finite(model: ModelProto, frames: Iterable[Image]) -> int:
    """Return how many scores are NaN or infinite before the arg-max, which would hide them.

    In fp16 these are all activations: a CPU computes such a network in fp32, and an overflow shows
    only in its outputs.
    """
    shown, names = with_scores(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    total = 0
    for frame in frames:
        for values in session.run(names, {INPUT: frame[None]}):
            total += int(values.size - np.isfinite(values).sum())
    return total


def with_scores(model: ModelProto) -> tuple[ModelProto, list[str]]:
    """Return a copy with its scores, the inputs of byte casts and all fp16 values as outputs."""
    shown = ModelProto()
    shown.CopyFrom(model)
    graph = infer_shapes(shown, strict_mode=True).graph
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    outputs = {value.name for value in shown.graph.output}
    names = {name for name, kind in types.items() if kind == TensorProto.FLOAT16}
    for node in shown.graph.node:
        last = node.op_type == "Cast" and node.output[0] in outputs
        if (node.op_type == "ArgMax" or last) and types.get(node.input[0]) in _FLOATS:
            names.add(node.input[0])
    if not names:
        raise NightsegError("the graph has no scores to check; export it again")
    for name in sorted(names):
        shown.graph.output.append(helper.make_tensor_value_info(name, types[name], None))
    return shown, sorted(names)
