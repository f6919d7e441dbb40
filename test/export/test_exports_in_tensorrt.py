# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is exported is read and built by the real TensorRT-RTX, in every precision."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from nightseg_ros.bundles.bundle import SEGMENTATION, TRANSLATION  # noqa: E402
from nightseg_ros.bundles.write import write_bundle  # noqa: E402
from nightseg_ros.engines.tensorrt.builder import build_plan  # noqa: E402
from nightseg_ros.engines.tensorrt.library import RTX, Library, load_library  # noqa: E402
from nightseg_ros.export.convert import in_precision  # noqa: E402
from nightseg_ros.export.to_onnx import segmentation_onnx, translation_onnx  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.create_generator import create_generator  # noqa: E402
from nightseg_ros.learning.networks.registry import create_network  # noqa: E402

SIZE = (64, 96)


@pytest.fixture(scope="module")
def rtx() -> Library:
    if importlib.util.find_spec("tensorrt_rtx") is None:
        pytest.skip("tensorrt_rtx is not installed: pip install '.[tensorrt-rtx]'")
    return load_library((RTX,))


def segmenter(name: str, *, any_batch: bool = False) -> tuple[bytes, dict[str, Any]]:
    torch.manual_seed(0)
    network = create_network(NetworkConfig(name=name, classes=19, width=0.25), fresh=True)
    onnx = segmentation_onnx(network.eval(), SIZE, 19, any_batch=any_batch)
    return onnx, {"kind": SEGMENTATION, "route": "day", "labels": CITYSCAPES19}


def translator(kind: str) -> tuple[bytes, dict[str, Any]]:
    torch.manual_seed(0)
    onnx = translation_onnx(create_generator(kind, 8, 1), SIZE)
    return onnx, {"kind": TRANSLATION, "route": "translate"}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["tf32", "fp16", "int8"])
@pytest.mark.parametrize(
    ("make", "arguments", "batch"),
    [
        (segmenter, {"name": "erf_pspnet"}, 1),
        (segmenter, {"name": "erf_pspnet", "any_batch": True}, 8),
        (translator, {"kind": "light"}, 1),
        (translator, {"kind": "resnet"}, 1),
    ],
    ids=["segmenter", "segmenter-batch", "light", "resnet"],
)
def test_tensorrt_builds_what_is_exported(
    make: Any, arguments: dict[str, Any], batch: int, precision: str, rtx: Library, tmp_path: Path
) -> None:
    onnx, facts = make(**arguments)
    if precision != "tf32":
        frames = np.random.default_rng(0).integers(0, 256, (16, *SIZE, 3), np.uint8)
        onnx = in_precision(onnx, precision, list(frames), symmetric=True)
    bundle = write_bundle(tmp_path, onnx, name="net", height=SIZE[0], width=SIZE[1], **facts)
    plan, _ = build_plan(rtx, bundle, onnx, precision, gpu=None, batch=batch)
    assert len(plan) > 10_000
