# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds the int8 version of a model for OpenVINO: quantised by NNCF, compared with the ONNX.

With labels, layers whose rounding costs too much mIoU return to floats, one by one, until the loss
is acceptable (accuracy control of NNCF).
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.bundle import SEGMENTATION, Bundle
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
from nightseg_ros.engines.openvino import BACKEND, INT8, IR_FILE, OpenVinoEngine, bind, read_model
from nightseg_ros.engines.parity import Parity, check_parity, measure_parity
from nightseg_ros.errors import NightsegError, last_line

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

Image = NDArray[np.uint8]

MAX_DROP = 0.5
"""Points of mIoU that quantising may cost on labelled frames; half of the final limit."""
LEAST_FRAMES = 4
"""Fewer frames are too few for the ranges of the layers."""
MOST_FRAMES = 300
INSTALL = "pip install '.[quantise]' in the folder of nightseg_ros, or pip install nncf"


def build_int8(
    bundle: Bundle,
    frames: Sequence[Image],
    out_folder: Path,
    *,
    proof_frames: Sequence[Image] | None = None,
    truths: Sequence[Image] | None = None,
    max_drop: float = MAX_DROP,
    log: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write the int8 version of `bundle` into `out_folder` and return facts about it.

    `frames`, (H, W, 3) RGB of the size of the network, determine the ranges of its layers. The
    result is compared with the ONNX on `proof_frames` (default: `frames`), and with `truths`, masks
    of these in the label set that the model is scored in, if given. Too large a difference is an
    error.
    """
    nncf = quiet_nncf()
    proof = frames if proof_frames is None else proof_frames
    _check(bundle, frames, proof, truths)
    calibration = nncf.Dataset(frames, lambda frame: frame[None])
    fix = nncf.OverflowFix.FIRST_LAYER if has_vnni() else nncf.OverflowFix.ENABLE
    advanced = nncf.AdvancedQuantizationParameters(overflow_fix=fix)
    used = min(MOST_FRAMES, len(frames))
    judge, everything = _Judge(bundle, proof, truths), list(range(len(proof)))
    log(f"quantising {bundle.name} on {used} frames")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # progress bars; stdout may hold JSON
            if truths is None:
                model = nncf.quantize(
                    read_model(bundle), calibration, subset_size=used, advanced_parameters=advanced
                )
            else:
                model = nncf.quantize_with_accuracy_control(
                    read_model(bundle),
                    calibration,
                    nncf.Dataset(everything, lambda index: proof[index][None]),
                    judge,
                    max_drop=max_drop,
                    drop_type=nncf.DropType.ABSOLUTE,
                    subset_size=used,
                    advanced_quantization_parameters=advanced,
                )
            facts = _written(model, out_folder)
    except (RuntimeError, nncf.ValidationError) as error:
        raise NightsegError(
            f"bundle {bundle.name}: NNCF {nncf.__version__} cannot quantise the network "
            f"({last_line(error)}); use engine onnxruntime, or quantise at export (--int8)"
        ) from error
    engine = OpenVinoEngine(bundle, precision=INT8, ir=out_folder / IR_FILE)  # as in the node
    with contextlib.closing(engine):
        parity = judge.parity(engine, everything)
    check_parity(parity, INT8, bundle.name)
    log(f"{bundle.name} in int8: {parity}")
    return {
        "parity": parity.to_dict(),
        "calibration_frames": used,
        "accuracy_control": truths is not None,
        **facts,
        "nncf": str(nncf.__version__),
    }


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


class _Judge:
    """Measures a candidate on the proof frames, for which the ONNX is run once."""

    info = EngineInfo("onnxruntime", "CPUExecutionProvider", "cpu", "fp32")

    def __init__(
        self, bundle: Bundle, frames: Sequence[Image], truths: Sequence[Image] | None
    ) -> None:
        self.input_size = (bundle.height, bundle.width)
        self._bundle, self._frames, self._truths = bundle, frames, truths
        with contextlib.closing(OnnxRuntimeEngine(bundle)) as engine:
            self._outputs = {
                id(frame): tuple(output.copy() for output in engine.run(frame)) for frame in frames
            }

    def run(self, image: Image) -> Outputs:
        return self._outputs[id(image)]

    def close(self) -> None:
        self._outputs.clear()

    def parity(self, candidate: _Compiled | OpenVinoEngine, chosen: Sequence[int]) -> Parity:
        frames = [self._frames[index] for index in chosen]
        if self._truths is None or self._bundle.labels is None:
            return measure_parity(self, candidate, frames)
        truths = [self._truths[index] for index in chosen]
        return measure_parity(self, candidate, frames, truths, labels=self._bundle.labels)

    def __call__(self, compiled: Any, indices: Iterable[int]) -> tuple[float, None]:
        """Return the points of mIoU gained (or lost), and no values of single frames, for NNCF."""
        parity = self.parity(_Compiled(self._bundle, compiled), list(indices))
        return parity.miou_truth_difference or 0.0, None


def _check(
    bundle: Bundle, frames: Sequence[Image], proof: Sequence[Image], truths: Sequence[Image] | None
) -> None:
    if len(frames) < LEAST_FRAMES or not proof:
        raise NightsegError(
            f"{len(frames)} frames to calibrate {bundle.name} and {len(proof)} to verify it, need "
            f"at least {LEAST_FRAMES} and 1, better about 100 that differ; name a folder of them"
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
            "segmentation needs one for each frame, any other model none"
        )


def _written(model: Any, folder: Path) -> dict[str, Any]:
    """Save the network and return how much of it is quantised."""
    import openvino as ov

    ov.save_model(model, folder / IR_FILE, compress_to_fp16=False)
    convolutions = [node for node in model.get_ops() if "Convolution" in node.get_type_name()]
    inputs = [node.input_value(0).get_node().get_type_name() for node in convolutions]
    return {"convolutions": len(inputs), "quantised_convolutions": inputs.count("FakeQuantize")}


def has_vnni() -> bool:
    """Return whether this processor adds products of 8 bits without overflow.

    x86 without VNNI adds pairs of them in 16 bits: weights must then have 7 bits.
    """
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True
    return "\nflags" not in described or "vnni" in described


def quiet_nncf() -> Any:
    """Return NNCF, silent and without its telemetry, which is on by default."""
    os.environ.setdefault("NNCF_CI", "1")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it logs to the current stdout
            import nncf
    except ImportError as error:
        raise NightsegError(f"NNCF cannot be imported ({error}); {INSTALL}") from error
    # Its own set_log_level would also change the handlers of other libraries.
    logging.getLogger("nncf").setLevel(logging.ERROR)
    return nncf


def quantised_for_speed(bundle: Bundle, folder: Path) -> Path:
    """Write an int8 version into `folder`, only for measuring its speed, and return its file.

    Its ranges come from synthetic images: the masks are useless, but the timing is real.
    """
    import openvino

    nncf = quiet_nncf()
    shape = (2, 1, bundle.height, bundle.width, 3)
    images = list(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        model = nncf.quantize(
            read_model(bundle),
            nncf.Dataset(images),
            subset_size=len(images),
            advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
        )
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, folder / IR_FILE, compress_to_fp16=False)
    return folder / IR_FILE
