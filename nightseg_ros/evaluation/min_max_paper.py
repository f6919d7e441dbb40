# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The figures printed in Similarity Min-Max, and which training of ours stands beside which.

"Similarity Min-Max: Zero-Shot Day-Night Domain Adaptation" (Luo, Wang, Yang, Liu; ICCV 2023).
Segmentation is mIoU in percent of RefineNet on ResNet-101, trained on Cityscapes, on the 50 frames
of Nighttime Driving and on Dark Zurich test. The ablation is of pictures: top-1 in percent of a
ResNet-18 on the night split of CODaN.
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "Similarity Min-Max (ICCV 2023)"


@dataclass(frozen=True)
class MinMaxRow:
    """One row: their figures where they give them, and our training where we have one."""

    what: str
    ours: str = ""
    driving: float | None = None
    dark_zurich: float | None = None
    codan: float | None = None


ROWS = (
    MinMaxRow("day model", "day", 34.3, 30.6, 53.32),
    MinMaxRow("day model, as many more steps of day", "day_longer"),
    MinMaxRow("AdaBN (sees the night frames)", "adabn", 37.2),
    MinMaxRow("RobustNet", "", 33.0, 34.5),
    MinMaxRow("CIConv", "ciconv", 41.2, 34.5, 60.32),
    MinMaxRow("before it: EnlightenGAN", "", 25.2, 24.9),
    MinMaxRow("before it: Zero-DCE++; ours a module of its kind", "enhanced", 32.7, 28.3, 57.96),
    MinMaxRow("before it: RUAS", "", 25.1, 23.4),
    MinMaxRow("before it: SCI", "", 28.6, 25.7),
    MinMaxRow("before it: URetinex-Net", "", 28.1, 24.0, 58.72),
    MinMaxRow("before it: LEDNet", "", 27.6, 26.6),
    MinMaxRow("darkened by brightness", "brightness", None, None, 57.96),
    MinMaxRow("darkened by gamma", "gamma", None, None, 63.96),
    MinMaxRow("darkened by a reciprocal curve", "reciprocal", None, None, 62.60),
    MinMaxRow("darkened by learned gamma", "learned_gamma", None, None, 64.16),
    MinMaxRow("module, without both similarities", "without_both", None, None, 64.08),
    MinMaxRow("without that of the darkening", "without_darkening", None, None, 64.56),
    MinMaxRow("without that of the adaptation", "without_adaptation", None, None, 64.88),
    MinMaxRow("Similarity Min-Max", "full", 44.9, 40.2, 65.87),
    MinMaxRow("Similarity Min-Max behind CIConv", "ciconv_full"),
)
