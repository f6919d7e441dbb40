# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A card says whose images a model learned from, and what chose its weights."""

from __future__ import annotations

import pytest

from nightseg_ros.replay.card_training import data_sets, licence, training_lines


def training(monitor: str = "score", **more: object) -> dict[str, object]:
    sources = ["nightseg:{data}:bdd_labelled/train", "nightseg:{data}/more:cityscapes_256"]
    config = {
        "name": "mine",
        "train": [{"data": source} for source in sources],
        "val": ["nightseg:{data}:bdd_labelled/val@day"],
        "monitor": monitor,
        "steps": 100,
    }
    return {"config": config, "step": 80, **more}


def test_the_data_sets_are_those_of_the_recipe():
    assert [name.partition(" (")[0] for name in data_sets(training())] == ["BDD100K", "Cityscapes"]
    assert "on BDD100K and Cityscapes images" in licence(training())
    assert "on BDD100K and CamVid images" in licence({})  # before recipes were recorded


@pytest.mark.parametrize(
    ("monitor", "said"),
    [
        ("score", "after step 80, which had the best of all validations by the mean of the mIoU"),
        ("miou/x", "by `miou/x` on `nightseg:DATA:bdd_labelled/val@day`"),
        ("last", "no validation frame chose them"),
    ],
)
def test_what_chose_the_weights_is_stated(monitor, said):
    assert said in "\n".join(training_lines(training(monitor)))


def test_what_was_kept_of_the_start_is_stated():
    mine = training()
    mine["config"]["keep"] = 0.3
    assert ", mixed with 30 % of those that the training started from." in "\n".join(
        training_lines(mine)
    )
    assert "mixed with" not in "\n".join(training_lines(training()))


def test_a_training_that_was_stopped_has_the_steps_it_took():
    mine = training()
    mine["config"]["until"] = 80
    assert " 80 steps of " in "\n".join(training_lines(mine))
