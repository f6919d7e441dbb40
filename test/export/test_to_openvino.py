# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The int8 version is quantised, is the same model as the ONNX, and is refused where it is not."""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import models as tiny

pytest.importorskip("openvino", reason="openvino is not installed: pip install '.[openvino]'")
nncf = pytest.importorskip("nncf", reason="nncf is not installed: pip install '.[quantise]'")

from nightseg_ros.engines.cache.store import EngineCache  # noqa: E402
from nightseg_ros.engines.openvino import IR_FILE, int8_key  # noqa: E402
from nightseg_ros.engines.select import create_engine  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export import to_openvino  # noqa: E402
from nightseg_ros.export.to_openvino import build_int8  # noqa: E402
from nightseg_ros.labels.lookup import lookup  # noqa: E402

CLASSES = 19


def network():
    """Return a network of two layers whose classes win by far: int8 changes next to nothing."""
    random = np.random.default_rng(0)
    colours = random.integers(0, 256, (CLASSES, 3)).astype(np.float32) / 255.0
    # The nearest colour: 2 c x - |c|^2 is largest where the distance to c is smallest.
    kernel = (2.0 * colours)[:, :, None, None].astype(np.float32)
    bias = (-(colours**2).sum(1)).astype(np.float32)
    identity = np.eye(3, dtype=np.float32)[:, :, None, None]
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "unit"], ["x"]),
        helper.make_node("Conv", ["x", "identity"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Conv", ["active", "kernel", "bias"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["ids"], axis=1, keepdims=0),
        helper.make_node("Cast", ["ids"], ["mask"], to=TensorProto.UINT8),
        helper.make_node("Gather", ["image", "green"], ["confidence"], axis=3),
    ]
    constants = [
        numpy_helper.from_array(np.array(1 / 255.0, np.float32), "unit"),
        numpy_helper.from_array(identity, "identity"),
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(bias, "bias"),
        numpy_helper.from_array(np.array(1, np.int64), "green"),
    ]
    shape = [1, tiny.HEIGHT, tiny.WIDTH]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name in ("mask", "confidence")
    ]
    return tiny._model(nodes, constants, outputs, tiny.HEIGHT, tiny.WIDTH, None)


def frames(count, seed=0):
    random = np.random.default_rng(seed)
    return [
        np.asarray(
            cv2.resize(random.integers(0, 256, (4, 5, 3), np.uint8), (tiny.WIDTH, tiny.HEIGHT)),
            np.uint8,
        )
        for _ in range(count)
    ]


@pytest.fixture
def bundle(tmp_path):
    return tiny.segmenter(tmp_path / "net", onnx=network())


@pytest.mark.skipif(
    not to_openvino.has_vnni(), reason="this processor has no VNNI: int8 is less exact on it"
)
def test_the_int8_version_is_quantised_proven_and_run_by_auto(
    bundle, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path / "cache"))
    said = []
    cached = EngineCache().build(
        int8_key(bundle), lambda folder: build_int8(bundle, frames(8), folder, log=said.append)
    )
    assert cached.proven
    assert cached.facts["parity"]["equal_share"] > 0.9
    assert cached.facts["quantised_convolutions"] == cached.facts["convolutions"] == 2
    assert (cached.facts["calibration_frames"], cached.facts["accuracy_control"]) == (8, False)
    assert [line.split(" on ")[0] for line in said[:1]] == ["quantising net"]
    assert capsys.readouterr().out == ""
    assert create_engine(bundle).info.precision == "int8"


@pytest.mark.slow
def test_layers_that_cost_too_much_go_back_to_floats(bundle, tmp_path):
    pictures = frames(4)
    reference = create_engine(bundle, "onnxruntime-cpu")
    scored = lookup("cityscapes19", "joint11")
    truths = [scored[reference.run(picture)[0]] for picture in pictures]
    facts = build_int8(bundle, pictures, tmp_path, truths=truths, max_drop=0.1)
    assert facts["accuracy_control"]
    assert facts["quantised_convolutions"] < 2
    assert facts["parity"]["miou_truth_difference"] >= -0.1


def test_another_model_is_refused(bundle, tmp_path, monkeypatch):
    def another(model, dataset, **options):
        return to_openvino.read_model(tiny.segmenter(tmp_path / "other", seed=5))

    monkeypatch.setattr(nncf, "quantize", another)
    with pytest.raises(NightsegError, match=r"net \(int8\) is not the same model as its fp32"):
        build_int8(bundle, frames(4), tmp_path)


def test_what_nncf_cannot_do_is_one_clear_line(bundle, tmp_path, monkeypatch):
    def fails(model, dataset, **options):
        raise nncf.ValidationError("no layer\nto quantise")

    monkeypatch.setattr(nncf, "quantize", fails)
    with pytest.raises(NightsegError, match=r"NNCF .* cannot quantise the network \(to quantise\)"):
        build_int8(bundle, frames(4), tmp_path)


def test_bad_frames_are_refused_before_any_work(bundle, tmp_path):
    good = frames(4)
    with pytest.raises(NightsegError, match=r"3 frames to calibrate net .* need at least 4"):
        build_int8(bundle, good[:3], tmp_path)
    with pytest.raises(NightsegError, match="and 0 to verify it"):
        build_int8(bundle, good, tmp_path, proof_frames=[])
    with pytest.raises(NightsegError, match=r"a frame is uint8 \[48, 63, 3\], net takes"):
        build_int8(bundle, [*good, good[0][:, 1:]], tmp_path)
    with pytest.raises(NightsegError, match="1 masks for 4 frames of net, a segmentation"):
        build_int8(bundle, good, tmp_path, truths=[good[0][..., 0]])
    picture = tiny.translator(tmp_path / "n2d")
    with pytest.raises(NightsegError, match="a translation; a segmentation needs one for each"):
        build_int8(picture, good, tmp_path, truths=[x[..., 0] for x in good])
    assert not (tmp_path / IR_FILE).exists()


def test_a_missing_nncf_is_reported_and_it_reports_to_nobody(bundle, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    monkeypatch.delenv("NNCF_CI", raising=False)
    with pytest.raises(NightsegError, match=r"NNCF cannot be imported .*\.\[quantise\]"):
        build_int8(bundle, frames(4), tmp_path)
    assert to_openvino.os.environ["NNCF_CI"] == "1"
