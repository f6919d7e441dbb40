# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every engine must do, whatever runs underneath."""

from __future__ import annotations

import models_for_tests as tiny
import numpy as np
import pytest

from nightseg_ros.engines.engine import check_outputs
from nightseg_ros.engines.kinds import KINDS
from nightseg_ros.engines.select import ENGINES, create_engine
from nightseg_ros.errors import NightsegError

IMAGE = np.random.default_rng(5).integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8)


def make(name, bundle):
    """Return an engine, or skip where it cannot run here."""
    if name == "openvino-int8":
        pytest.skip("it is built from images: export/test_to_openvino.py")
    if name in KINDS and (reason := KINDS[name].why_not()):
        pytest.skip(reason)
    return create_engine(bundle, name, allow_build=True)


@pytest.mark.parametrize("name", ENGINES)
def test_a_segmenter_gives_two_maps_of_its_input_size(name, tmp_path):
    engine = make(name, tiny.segmenter(tmp_path / "net"))
    outputs = engine.run(IMAGE)
    assert [(x.shape, x.dtype) for x in outputs] == [((tiny.HEIGHT, tiny.WIDTH), np.uint8)] * 2
    assert outputs[0].flags.writeable
    assert outputs[0].max() < 19
    assert engine.input_size == (tiny.HEIGHT, tiny.WIDTH)
    assert all([engine.info.backend, engine.info.provider, engine.info.device])


@pytest.mark.parametrize("name", ENGINES)
def test_a_translator_gives_one_brighter_image(name, tmp_path):
    engine = make(name, tiny.translator(tmp_path / "net"))
    (translated,) = engine.run(IMAGE)
    expected = np.minimum(IMAGE.astype(int) + tiny.BRIGHTER, 255)
    assert np.array_equal(translated, expected)


@pytest.mark.parametrize("name", ENGINES)
def test_the_same_image_gives_the_same_maps_and_stays_untouched(name, tmp_path):
    engine = make(name, tiny.segmenter(tmp_path / "net"))
    image = IMAGE.copy()
    first = engine.run(image)[0].copy()
    engine.run(255 - image)
    assert np.array_equal(engine.run(image)[0], first)
    assert np.array_equal(image, IMAGE)


@pytest.mark.parametrize("name", ENGINES)
def test_a_closed_engine_refuses_to_run(name, tmp_path):
    engine = make(name, tiny.segmenter(tmp_path / "net"))
    engine.close()
    engine.close()
    with pytest.raises(NightsegError, match="closed"):
        engine.run(IMAGE)


def test_outputs_are_held_against_the_promise_of_the_bundle(tmp_path):
    bundle = tiny.segmenter(tmp_path / "net")
    good = np.zeros((tiny.HEIGHT, tiny.WIDTH), np.uint8)
    ignored = np.full_like(good, 255)
    check_outputs(bundle, (good, good))
    check_outputs(bundle, (ignored, good))  # unlabelled everywhere is a legal mask
    with pytest.raises(NightsegError, match="gives 1 outputs"):
        check_outputs(bundle, (good,))
    with pytest.raises(NightsegError, match=r"output 'mask' is uint8 \[64, 48\]"):
        check_outputs(bundle, (good.T, good))
    with pytest.raises(NightsegError, match="output 'confidence' is float32"):
        check_outputs(bundle, (good, good.astype(np.float32)))
    with pytest.raises(NightsegError, match=r"class id 19, but model\.yaml names only 19 classes"):
        check_outputs(bundle, (good + 19, good))
