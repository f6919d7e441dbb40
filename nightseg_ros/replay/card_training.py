# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a model card says of a training: its recipe, what chose the weights, whose images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DATA_SETS = {
    "bdd": "BDD100K (education, research and not-for-profit use)",
    "pool_": "BDD100K (education, research and not-for-profit use)",
    "cityscapes": "Cityscapes (non-commercial research)",
    "camvid": "CamVid (CC BY-NC 4.0)",
    "idd": "IDD (non-commercial research)",
    "acdc": "ACDC (non-commercial research)",
    "comma10k": "comma10k (MIT)",
}
"""What a data set is called in a recipe -> its name and terms."""


def data_sets(training: Mapping[str, Any]) -> list[str]:
    """Return the names and terms of the data sets that a training used.

    >>> data_sets({"config": {"train": [{"data": "nightseg:{data}:camvid/train"}]}})
    ['CamVid (CC BY-NC 4.0)']
    """
    sources = _config(training).get("train") or []
    used = " ".join(str(source.get("data", "")) for source in sources).lower()
    found = [terms for word, terms in DATA_SETS.items() if word in used.replace("{data}", "")]
    return list(dict.fromkeys(found)) or [DATA_SETS["bdd"], DATA_SETS["camvid"]]


def licence(training: Mapping[str, Any]) -> str:
    """Return the licence of weights that come from a training of this package."""
    names = _listed([terms.partition(" (")[0] for terms in data_sets(training)])
    return f"Code Apache-2.0. Weights trained on {names} images: research use, non-commercial."


def training_lines(training: Mapping[str, Any]) -> list[str]:
    """Return the sections on training and data."""
    config = _config(training)
    sets = _listed(data_sets(training))
    return [
        "## Training",
        "",
        f"Recipe `{config.get('name', '')}`, seed {config.get('seed', '')}, "
        f"{config.get('until') or config.get('steps', '')} steps of "
        f"{config.get('batch', '')} frames; the whole recipe is in model.yaml. "
        f"{_choice(training, config)}",
        "",
        "## Data and licence",
        "",
        f"Trained on images of {sets}. The weights carry the same limits: research use, "
        "non-commercial. No image of these sets is part of this package.",
        "",
    ]


def _choice(training: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Return what chose the weights."""
    monitor, step = config.get("monitor", ""), training.get("step")
    if monitor in ("", "last") or step is None:
        return "The weights are those of the last step: no validation frame chose them."
    of = {
        "score": "the mean of the mIoU of each labelled validation set and of the road recall",
        "miou/mean": "the mean of the mIoU of the validation sets",
    }.get(monitor, f"`{monitor}`")
    keep = config.get("keep")
    mixed = f", mixed with {100 * keep:g} % of those that the training started from" if keep else ""
    shown = ", ".join(f"`{name.replace('{data}', 'DATA')}`" for name in config.get("val") or [])
    return (
        f"The weights are the running average after step {step}, which had the best of all "
        f"validations by {of} on {shown}{mixed}. These figures are therefore a little better than "
        "those of frames that chose nothing."
    )


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _config(training: Mapping[str, Any]) -> Mapping[str, Any]:
    config = training.get("config", training)
    return config if isinstance(config, Mapping) else {}
