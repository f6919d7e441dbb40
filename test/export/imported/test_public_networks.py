# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks that nobody here wrote: graphs of public libraries with random weights.

Where the libraries are installed they are exported anew, too.
"""

from __future__ import annotations

import importlib.util

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[export]'")

from support.public_networks import public_onnx  # noqa: E402

from nightseg_ros.bundles.bundle import Bundle  # noqa: E402
from nightseg_ros.cli.main import main  # noqa: E402

NETWORKS = {
    "segformer": ("ade20k150", ()),
    "fpn": ("cityscapes19", ()),
    "deeplab": ("voc21", ("--size", "96x64", "--output", "out")),
}


def bring(folder, onnx_file, labels, *words):
    file, frames = folder / "net.onnx", folder / "frames"
    file.write_bytes(onnx_file)
    frames.mkdir()
    for seed in range(3):
        blocks = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
        cv2.imwrite(str(frames / f"{seed}.png"), cv2.resize(blocks, (96, 64)))
    return main(["import", str(file), "--out", str(folder / "net"), "--labels", labels, "--route",
                 "day", "--normalise", "imagenet", "--frames", str(frames), *words])  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_masks_equal_those_of_the_original(tmp_path, name):
    labels, words = NETWORKS[name]
    assert bring(tmp_path, public_onnx(name), labels, *words) == 0
    bundle = Bundle.load(tmp_path / "net")
    assert bundle.metrics["parity"]["equal_share"] >= 0.999
    assert bundle.labels.name == labels
    from nightseg_ros.engines.select import create_engine

    engine = create_engine(bundle, "onnxruntime-cpu")
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    mask, _ = engine.run(image)
    assert len(np.unique(mask)) > 1  # else the comparison would mean nothing


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("classifier", "looks like the scores of whole images, by a classifier"),
        ("detector", "looks like the boxes of a detector"),
        ("depth", "is one channel with values"),
    ],
)
def test_other_networks_are_refused_with_the_reason(tmp_path, capsys, name, said):
    assert bring(tmp_path, public_onnx(name), "cityscapes19") == 2
    assert said in capsys.readouterr().err


def test_several_outputs_are_asked_for(tmp_path, capsys):
    assert bring(tmp_path, public_onnx("deeplab"), "voc21", "--size", "96x64") == 2
    error = capsys.readouterr().err
    assert "out, float32 1x21x64x96; aux, float32 1x21x64x96; name one with --output" in error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("segformer", "transformers"),
        ("fpn", "segmentation_models_pytorch"),
        ("deeplab", "torchvision"),
    ],
)
def test_they_are_exported_anew_where_their_library_is_installed(
    tmp_path, monkeypatch, name, library
):
    for needed in (library, "torch", "onnxscript"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed, so there is nothing to export")
    from support import export_public_networks

    export_public_networks.lenient_register_fake()
    monkeypatch.setattr(export_public_networks, "KEPT", 1 << 40)  # with weights
    monkeypatch.setattr(export_public_networks, "FOLDER", tmp_path)
    export_public_networks.export(name, getattr(export_public_networks, name))
    labels, words = NETWORKS[name]
    assert bring(tmp_path, (tmp_path / f"{name}.onnx").read_bytes(), labels, *words) == 0
