# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The calibration in a model.yaml: what is written is read back, and what is wrong is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import models as tiny

from nightseg_ros.bundles.bundle import Bundle, calibrations
from nightseg_ros.bundles.calibration import Calibration
from nightseg_ros.bundles.write import rewrite_bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import label_set
from nightseg_ros.labels.lookup import lookup

CALIBRATION = Calibration((0.1, 0.8), (1.5, 1.0), ((0.25, -1.0),) * 19, {"frames": 4})


def test_a_bundle_keeps_it_and_its_network(tmp_path):
    before = tiny.segmenter(tmp_path / "net")
    after = rewrite_bundle(before, "# card", calibration=CALIBRATION)
    assert after.calibration == CALIBRATION
    assert after.sha256 == before.sha256
    assert (tmp_path / "net" / "README.md").read_text() == "# card"
    again = rewrite_bundle(Bundle.load(tmp_path / "net"), "# card", metrics={"miou": 1.0})
    assert again.calibration == CALIBRATION
    assert calibrations({"day": again, "night": before}) == {"day": CALIBRATION}


def test_masks_in_another_label_set_have_the_shifts_of_its_classes(tmp_path):
    curves = tuple((float(k),) for k in range(19))
    plain = Calibration((0.5,), (1.0,), curves)
    bundle = rewrite_bundle(tiny.segmenter(tmp_path / "net"), "", calibration=plain)
    joint = label_set("joint11")
    (found,) = calibrations({"day": replace(bundle, labels_as=joint)}).values()
    shift = dict(zip(joint.names, (curve[0] for curve in found.shift), strict=True))
    becomes = lookup("cityscapes19", joint)
    assert shift["road"] == 0.0
    own = [k for k in range(19) if becomes[k] == joint.names.index("vehicle")]
    assert len(own) > 1
    assert shift["vehicle"] == pytest.approx(sum(own) / len(own))
    assert plain.relabelled([0] * 19, 2).shift == ((9.0,), (9.0,))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"temperature": [1.0]}, r"temperature is \[1.0\], need 2 numbers from 0.1 to 10"),
        ({"temperature": [1.0, 0.0]}, r"temperature is \[1.0, 0.0\]"),
        ({"temperature": [1.0, float("nan")]}, "need a list of numbers"),
        ({"temperature": "warm"}, "temperature is 'warm', need a list of numbers"),
        ({"illumination": [0.8, 0.1]}, r"illumination is \[0.8, 0.1\], need increasing numbers"),
        ({"illumination": []}, "need increasing numbers"),
        ({"shift": [[0.0, 0.0]] * 18}, "shift has 18 curves for 19 classes"),
        ({"shift": None}, "shift has None curves for 19 classes"),
        ({"shift": [[0.0, True]] * 19}, "shift 0 is"),
        ({"shift": [[0.0, 99.0]] * 19}, "need 2 numbers from -20 to 20"),
    ],
)
def test_what_is_wrong_is_named(change, fault):
    with pytest.raises(NightsegError, match=fault) as error:
        Calibration.from_dict(CALIBRATION.to_dict() | change, 19)
    assert "nightseg calibrate" in str(error.value)


def test_a_translator_has_none(tmp_path):
    bundle = tiny.translator(tmp_path / "net")
    file = bundle.path / "model.yaml"
    file.write_text(file.read_text() + "calibration: {illumination: [0.1]}\n")
    with pytest.raises(NightsegError, match="only a segmentation model has confidences"):
        Bundle.load(bundle.path)
