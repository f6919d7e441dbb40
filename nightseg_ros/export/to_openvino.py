# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The int8 version of a model for OpenVINO: quantised by NNCF, held to the masks of the ONNX.

Where labels are given, layers whose rounding costs too much mIoU go back to floats, one by one,
until the loss is allowed (NNCF calls it accuracy control).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundle import SEGMENTATION, Bundle
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.engines.onnxruntime_engine import OnnxRuntimeEngine
from nightseg_ros.engines.openvino_engine import (
    BACKEND,
    INT8,
    IR_FILE,
    OpenVinoEngine,
    bind,
    last_line,
    read_model,
)
from nightseg_ros.engines.parity import Parity, check_parity, measure_parity
from nightseg_ros.errors import NightsegError

Image = NDArray[np.uint8]

MAX_DROP = 0.5
"""Points of mIoU that quantising may cost on labelled frames; half of what the proof allows."""
LEAST_FRAMES = 4
"""Fewer frames than this tell nothing about the ranges of the layers."""
MOST_FRAMES = 300
INSTALL = "pip install '.[quantise]' in the folder of nightseg_ros, or pip install nncf"


def build_int8(
    bundle: Bundle,
    frames: Sequence[Image],
    out_folder: Path,
    *,
    proof_frames: Sequence[Image] | None = None,
    truths: Sequence[Image] | None = None,
    labels: str = "joint11",
    max_drop: float = MAX_DROP,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Write the int8 version of `bundle` into `out_folder` and return facts about it.

    `frames`, (H, W, 3) RGB of the size of the network, tell the ranges of its layers. It is proven
    on `proof_frames` (default: `frames`), and against `truths`, masks of these in the label set
    `labels`, where they are given. A version that is another model than the ONNX is an error.
    """
    nncf = quiet_nncf()
    proof = frames if proof_frames is None else proof_frames
    _check(bundle, frames, proof, truths)
    calibration = nncf.Dataset(frames, lambda frame: frame[None])
    used = min(MOST_FRAMES, len(frames))
    reference = _Reference(bundle, proof)
    say(f"quantising {bundle.name} on {used} frames")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # progress bars; stdout may hold JSON
            if truths is None:
                model = nncf.quantize(read_model(bundle), calibration, subset_size=used)
            else:
                model = nncf.quantize_with_accuracy_control(
                    read_model(bundle),
                    calibration,
                    nncf.Dataset(list(range(len(proof))), lambda index: proof[index][None]),
                    _Validation(bundle, reference, proof, truths, labels),
                    max_drop=max_drop,
                    drop_type=nncf.DropType.ABSOLUTE,
                    subset_size=used,
                )
            facts = _written(model, out_folder)
    except (RuntimeError, nncf.ValidationError) as error:
        raise NightsegError(
            f"bundle {bundle.name}: NNCF {nncf.__version__} cannot quantise the network "
            f"({last_line(error)}); use engine onnxruntime, or quantise at export (--int8)"
        ) from error
    parity = _proven(bundle, reference, proof, truths, labels, out_folder)
    say(f"{bundle.name} in int8: {parity}")
    return {
        "parity": parity.to_dict(),
        "calibration_frames": used,
        "accuracy_control": truths is not None,
        **facts,
        "nncf": str(nncf.__version__),
    }


class _Reference:
    """What the ONNX gives for the frames of the proof; each is run once."""

    info = EngineInfo("onnxruntime", "CPUExecutionProvider", "cpu", "fp32")

    def __init__(self, bundle: Bundle, frames: Sequence[Image]) -> None:
        self.input_size = (bundle.height, bundle.width)
        engine = OnnxRuntimeEngine(bundle)
        self._outputs = {
            id(frame): tuple(output.copy() for output in engine.run(frame)) for frame in frames
        }
        engine.close()

    def run(self, image: Image) -> Outputs:
        return self._outputs[id(image)]

    def close(self) -> None:
        self._outputs.clear()


class _Compiled:
    """A network that NNCF has compiled, as an engine."""

    info = EngineInfo(BACKEND, "CPU", "cpu", INT8)

    def __init__(self, bundle: Bundle, compiled: Any) -> None:
        self.input_size = (bundle.height, bundle.width)
        self._image = np.zeros((1, *self.input_size, 3), np.uint8)
        self._request = compiled.create_infer_request()
        self._outputs = bind(self._request, self._image, bundle.outputs)

    def run(self, image: Image) -> Outputs:
        self._image[0] = image
        self._request.infer()
        return self._outputs

    def close(self) -> None:
        self._request = None


class _Validation:
    """What NNCF asks a candidate for: its mIoU on some frames, here as points over the ONNX."""

    def __init__(
        self,
        bundle: Bundle,
        reference: _Reference,
        frames: Sequence[Image],
        truths: Sequence[Image],
        labels: str,
    ) -> None:
        self._bundle, self._reference = bundle, reference
        self._frames, self._truths, self._labels = frames, truths, labels

    def __call__(self, compiled: Any, indices: Iterable[int]) -> tuple[float, None]:
        """Return the points of mIoU gained (or lost), and no values of single frames."""
        chosen = list(indices)
        candidate = _Compiled(self._bundle, compiled)
        parity = _measure(
            self._bundle,
            self._reference,
            candidate,
            [self._frames[index] for index in chosen],
            [self._truths[index] for index in chosen],
            self._labels,
        )
        return parity.miou_truth_difference or 0.0, None


def _proven(
    bundle: Bundle,
    reference: _Reference,
    frames: Sequence[Image],
    truths: Sequence[Image] | None,
    labels: str,
    folder: Path,
) -> Parity:
    """Return the figures of the engine in `folder`, as the node will run it, or refuse it."""
    engine = OpenVinoEngine(bundle, precision=INT8, ir=folder / IR_FILE)
    try:
        parity = _measure(bundle, reference, engine, frames, truths, labels)
    finally:
        engine.close()
    check_parity(parity, INT8, bundle.name)
    return parity


def _measure(
    bundle: Bundle,
    reference: _Reference,
    candidate: _Compiled | OpenVinoEngine,
    frames: Sequence[Image],
    truths: Sequence[Image] | None,
    labels: str,
) -> Parity:
    if truths is None or bundle.labels is None:
        return measure_parity(reference, candidate, frames)
    own = bundle.labels.name
    return measure_parity(
        reference, candidate, frames, truths, labels=labels, prediction_labels=own
    )


def _check(
    bundle: Bundle,
    frames: Sequence[Image],
    proof: Sequence[Image],
    truths: Sequence[Image] | None,
) -> None:
    if len(frames) < LEAST_FRAMES or not proof:
        raise NightsegError(
            f"{len(frames)} frames to calibrate {bundle.name} and {len(proof)} to prove it, need "
            f"{LEAST_FRAMES} and 1 at the least, and about 100 that differ; name a folder of them"
        )
    for frame in (*frames, *proof):
        if frame.shape != (bundle.height, bundle.width, 3) or frame.dtype != np.uint8:
            raise NightsegError(
                f"a frame is {frame.dtype} {list(frame.shape)}, {bundle.name} takes uint8 "
                f"{[bundle.height, bundle.width, 3]}; letterbox the images first"
            )
    if truths is not None and (bundle.kind != SEGMENTATION or len(truths) != len(proof)):
        raise NightsegError(
            f"{len(truths)} masks for {len(proof)} frames of {bundle.name}, a {bundle.kind}; a "
            "segmentation takes one for each frame, anything else none"
        )


def _written(model: Any, folder: Path) -> dict[str, Any]:
    """Save the network and return how much of it is quantised."""
    import openvino as ov

    ov.save_model(model, folder / IR_FILE, compress_to_fp16=False)
    kinds = [node.get_type_name() for node in model.get_ops()]
    return {"convolutions": sum("Convolution" in kind for kind in kinds), **_quantised(model)}


def _quantised(model: Any) -> dict[str, int]:
    """Count the convolutions whose input comes out of a quantiser."""
    count = 0
    for node in model.get_ops():
        if "Convolution" in node.get_type_name():
            source = node.input_value(0).get_node().get_type_name()
            count += source == "FakeQuantize"
    return {"quantised_convolutions": count}


def quiet_nncf() -> Any:
    """Return NNCF, silent and without its reports over the network, which it sends unasked."""
    os.environ.setdefault("NNCF_CI", "1")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # its log goes where stdout is just now
            import nncf
    except ImportError as error:
        raise NightsegError(f"NNCF cannot be imported ({error}); {INSTALL}") from error
    # Its own set_log_level would change the handlers of everybody else too.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf
