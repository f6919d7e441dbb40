# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures printed in "See Clearer at Night" (Sun, Wang, Yang, Xiang; SPIE 2019).

Percentages. Its data: BDD10K with 19 classes; 32 night frames of BDD10K; 50 frames of Nighttime
Driving (ND). The training set has 7000 images, of which N are replaced by their night version.
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "See Clearer at Night (arXiv 1908.05868)"
TRAINING_IMAGES = 7000


@dataclass(frozen=True)
class PaperRow:
    """One row of Table 2, and which of our figures stands beside it."""

    method: str
    test: str
    miou: float
    class_accuracy: float | None
    our_model: str = ""
    our_set: str = ""


DAY_SET, NIGHT_SET, DUSK_SET = "bdd_day_val", "bdd_night_val", "camvid_test_dusk"
OUR_SETS = {
    DAY_SET: "BDD day val, 30 frames",
    NIGHT_SET: "BDD night val, 7 frames",
    DUSK_SET: "CamVid dusk, 124 frames, in place of ND",
}
"""Keys in `metrics` of a model.yaml, and what they are."""

_DAY, _NIGHT, _TRANSLATE = "erf_pspnet_day", "erf_pspnet_night", "night2day"

TABLE_2 = (
    PaperRow("trained on BDD", "BDD day", 52.10, 75.52, _DAY, DAY_SET),
    PaperRow("trained on BDD", "BDD night (32)", 32.72, 75.67, _DAY, NIGHT_SET),
    PaperRow("trained on BDD", "ND (50)", 36.73, 72.38, _DAY, DUSK_SET),
    PaperRow("method 1, night to day", "BDD night (32)", 29.94, 56.87, _TRANSLATE, NIGHT_SET),
    PaperRow("method 1, night to day", "ND (50)", 32.74, 66.46, _TRANSLATE, DUSK_SET),
    PaperRow("method 2, 2000 of 7000", "BDD day", 53.03, 75.96, _NIGHT, DAY_SET),
    PaperRow("method 2, 2000 of 7000", "BDD night (32)", 43.14, 68.93, _NIGHT, NIGHT_SET),
    PaperRow("Dark Model Adaptation", "ND (50)", 41.60, None),
    PaperRow("method 2, 2000 of 7000", "ND (50)", 45.09, 72.82, _NIGHT, DUSK_SET),
)

SWEEP_CONVERTED = (0, 1000, 2000, 3000, 4000, 5000, 6000, 7000)
SWEEP = {
    "BDD day": (52.1, 51.2, 53.0, 50.2, 49.4, 48.1, 46.7, 22.1),
    "BDD night": (32.7, 34.8, 44.4, 34.3, 38.5, 39.1, 33.0, 31.7),
    "ND": (36.7, 43.5, 45.1, 38.3, 30.2, 38.7, 31.6, 27.9),
}
SWEEP_NOTE = (
    "[F] read off the paper's Figure 7 (+-0.3), one seed; its Table 2 says 43.14 where the figure "
    "shows 44.4 (BDD night, 2000)"
)
