# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine whose masks are asked for in another label set."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from support import models as tiny

from nightseg_ros.engines.fake import FakeEngine
from nightseg_ros.engines.relabelled import RelabelledEngine
from nightseg_ros.engines.select import create_engine
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import label_set
from nightseg_ros.labels.lookup import lookup

IMAGE = np.random.default_rng(0).integers(0, 256, (tiny.HEIGHT, tiny.WIDTH, 3), np.uint8)


def test_masks_are_those_of_the_network_in_other_ids(tmp_path):
    bundle = tiny.segmenter(tmp_path / "day")
    asked = replace(bundle, labels_as=label_set("joint11"))
    with closing(create_engine(bundle, "onnxruntime-cpu")) as own:
        mask, confidence = (output.copy() for output in own.run(IMAGE))
        info = own.info
    with closing(create_engine(asked, "onnxruntime-cpu")) as engine:
        found = engine.run(IMAGE)
        assert (engine.info, engine.input_size) == (info, (tiny.HEIGHT, tiny.WIDTH))
    np.testing.assert_array_equal(found[0], lookup("cityscapes19", "joint11")[mask])
    np.testing.assert_array_equal(found[1], confidence)


def test_the_own_label_set_costs_nothing(tmp_path):
    bundle = replace(tiny.segmenter(tmp_path / "day"), labels_as=label_set("cityscapes19"))
    with closing(create_engine(bundle, "onnxruntime-cpu")) as engine:
        assert not isinstance(engine, RelabelledEngine)


def test_ids_that_the_network_must_not_return_do_not_become_unlabelled(tmp_path):
    bundle = tiny.segmenter(tmp_path / "day", labels=label_set("camvid11"))
    asked = replace(bundle, labels_as=label_set("joint11"))
    engine = RelabelledEngine(FakeEngine((tiny.HEIGHT, tiny.WIDTH)), asked)  # has 19 classes
    with pytest.raises(NightsegError, match=r"'mask' has class id 1\d, but .* only 11 classes"):
        engine.run(IMAGE)
