# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.config import load_config  # noqa: E402
from nightseg_ros.learning.methods.segmentation.config import TrainConfig  # noqa: E402

GOOD = """
name: small
train: [{data: "folder:x", weight: 2}]
val: []
lr: 1e-4
augment: {night: 0.5}
"""


def write(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_a_recipe_becomes_checked_values(tmp_path):
    config = load_config(write(tmp_path, GOOD), ["network.width=0.5", "view=[64, 96]"])
    assert isinstance(config, TrainConfig)
    assert (config.lr, config.network.width, config.view) == (1e-4, 0.5, (64, 96))
    assert config.train[0].weight == 2.0
    assert config.augment.night == 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stps: 3", "'stps' is unknown; did you mean 'steps'"),
        ("steps: many", "steps is 'many'; use a value of type int"),
        ("steps: true", "steps is True"),
        ("batch: 0", "batch is 0"),
        ("view: [10, 20]", "multiples of 8"),
        ("view: [8]", "use 2 values"),
        ("recipe: magic", "recipe is 'magic'"),
        ("network: 3", "use a mapping"),
    ],
)
def test_mistakes_are_named_with_their_value(tmp_path, change, message):
    with pytest.raises(NightsegError, match=message.replace("[", r"\[")):
        load_config(write(tmp_path, GOOD + change + "\n"))


def test_a_missing_key_and_a_bad_override_are_named(tmp_path):
    with pytest.raises(NightsegError, match="'train' is missing"):
        load_config(write(tmp_path, "name: x\nval: []\n"))
    with pytest.raises(NightsegError, match="write it as key=value"):
        load_config(write(tmp_path, GOOD), ["steps"])
    with pytest.raises(NightsegError, match="holds no further keys"):
        load_config(write(tmp_path, GOOD), ["lr.x=3"])
    with pytest.raises(NightsegError, match=r"--set name=\{: the value is not plain YAML .*quote"):
        load_config(write(tmp_path, GOOD), ["name={"])


def test_whole_numbers_may_have_an_exponent_as_others_may(tmp_path):
    config = load_config(write(tmp_path, GOOD), ["steps=1e3", "batch=2.0", "lr=1e-3"])
    assert (config.steps, config.batch, config.lr) == (1000, 2, 1e-3)
    assert type(config.steps) is int
    for steps in ("1.5", "1e-3", ".inf", "yes"):
        with pytest.raises(NightsegError, match="use a value of type int"):
            load_config(write(tmp_path, GOOD), [f"steps={steps}"])


def test_replaced_frames_need_their_translations(tmp_path):
    text = GOOD.replace("weight: 2", "replace: 3")
    with pytest.raises(NightsegError, match="needs the folder of translated images"):
        load_config(write(tmp_path, text))
