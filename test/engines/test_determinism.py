# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Same frames, same model, same engine: the same masks to the last bit, in every process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest
from support import models as tiny
from support.toy_network import toy_image, toy_onnx

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.engines.openvino import int8_key
from nightseg_ros.export.convert import in_precision

pytestmark = pytest.mark.slow

RUNS = 2
CHILD = """
import hashlib, sys
import numpy as np
from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.engines.select import create_engine

for text in sys.argv[1:]:
    kind, folder = text.split("=", 1)
    bundle = Bundle.load(folder)
    engine = create_engine(bundle, kind, threads=2)
    found = hashlib.sha256()
    for seed in range(4):
        size = bundle.height // 8, bundle.width // 8, 3
        small = np.random.default_rng(seed).integers(0, 256, size)
        image = np.ascontiguousarray(small.astype(np.uint8).repeat(8, 0).repeat(8, 1))
        for _ in range(2):
            mask, confidence = engine.run(image)
            found.update(mask.tobytes() + confidence.tobytes())
    engine.close()
    print(kind, bundle.name, len(np.unique(mask)), found.hexdigest(), sep=",")
"""


@pytest.fixture(scope="module")
def subjects(tmp_path_factory, repository):
    """Return what runs: engine=model for every engine of the CPU that is here."""
    folder = tmp_path_factory.mktemp("deterministic")
    frames = [toy_image(seed)[0] for seed in range(16)]
    toy = tiny.segmenter(folder / "toy", onnx=toy_onnx())
    int8 = in_precision(toy_onnx(), "int8", frames)
    tiny.segmenter(folder / "toy_int8", onnx=int8)
    shipped = repository / "models" / "erf_pspnet_fast_night"
    found = [f"fake={folder / 'toy'}", f"onnxruntime-cpu={folder / 'toy_int8'}"]
    found.append(f"onnxruntime-cpu={shipped}")
    if importlib.util.find_spec("openvino"):
        found.append(f"openvino={shipped}")
        if importlib.util.find_spec("nncf"):
            from nightseg_ros.export.to_openvino import build_int8

            EngineCache().build(
                int8_key(toy), lambda path: build_int8(toy, frames, path), lambda line: None
            )
            found.append(f"openvino-int8={folder / 'toy'}")
    assert Bundle.load(shipped).height % 8 == 0
    return found


def run(subjects, **env):
    command = [sys.executable, "-c", CHILD, *subjects]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, **env}
    )
    return [line.split(",") for line in done.stdout.splitlines()]


def test_every_engine_of_the_cpu_gives_the_same_masks_in_every_run(subjects):
    runs = [run(subjects, PYTHONHASHSEED=str(seed)) for seed in range(RUNS)]
    assert len(runs[0]) == len(subjects)
    assert all(found == runs[0] for found in runs[1:])
    # Not by giving the same for everything.
    assert all(int(classes) > 1 for _, _, classes, _ in runs[0])
    assert len({digest for *_, digest in runs[0]}) == len(subjects)
