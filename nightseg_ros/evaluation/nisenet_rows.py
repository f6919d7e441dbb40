# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rows of the NiSeNet table, and what the paper has to set beside them: pictures.

"What's There in the Dark" (Nag, Adak, Das; ICIP 2019) compares NiSeNet with DeepLabV3+ and
AdaptSegNet on BDD, Mapillary and its own UNDD as pictures of single frames. A table of figures is
not to be found in it, so there is nothing of theirs to print beside ours.
"""

from __future__ import annotations

TITLE = "What's There in the Dark (ICIP 2019)"
NO_TABLE = (
    "The paper shows its comparison with DeepLabV3+ and AdaptSegNet as pictures and gives no table "
    "of figures; all figures here are ours."
)
BASE = "real"
"""The row that all others are compared with, frame by frame."""
ROWS = {
    "deeplab": "DeepLabV3+ on day, cross entropy alone",
    "real": "real channel: DeepLabV3+ on day, CE + MSE",
    "synthetic": "synthetic night, not adapted",
    "adaptive": "adaptive channel: synthetic to real night",
    "adaptsegnet": "AdaptSegNet: day to night (baseline)",
    "average": "both channels, chances averaged",
    "patch": "both channels, patch fusion as drawn",
    "pixel": "both channels, pixel fusion by confidence",
    "oracle": "both channels, better patch by the label (bound)",
}
CONTROLS = ("deeplab", "synthetic")
"""Rows that are only trained when asked for."""
