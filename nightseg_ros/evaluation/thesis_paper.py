# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The improvement table printed in the thesis, and which training of ours is which row.

"Semantic image segmentation in the dark with domain adaptation" (Nguyen Thanh Danh, Phan Nguyen;
UIT 2021). mIoU in percent on the 50 frames of Nighttime Driving as they are, and converted to day;
Panoptic FPN on ResNet-101, trained on Cityscapes and NEXET; one seed.
"""

from __future__ import annotations

from dataclasses import dataclass

TITLE = "Semantic image segmentation in the dark with domain adaptation (UIT 2021)"


@dataclass(frozen=True)
class ThesisRow:
    """One row, and the training of ours beside it; `instead` where that needs what is missing."""

    id: str
    configuration: str
    miou: float
    ours: str
    converted: float | None = None
    instead: str = ""


ROWS = (
    ThesisRow("1.1", "day", 27.5, "day"),
    ThesisRow("1.2", "day + CamVid self-trained, scratch", 27.1, "camvid_scratch"),
    ThesisRow("1.3", "day + CamVid self-trained, checkpoint", 29.0, "camvid_checkpoint"),
    ThesisRow("2.1", "day-night, no perceptual loss", 31.5, "plain", 25.2, "daynight"),
    ThesisRow("2.2", "2.1 + self-training, all", 28.8, "plain_all", 24.7, "daynight_all"),
    ThesisRow("3.1", "day-night, perceptual loss", 33.9, "daynight", 29.3),
    ThesisRow("3.2", "3.1 + self-training, all", 32.1, "daynight_all", 28.4),
    ThesisRow("4.1", "3.1 + self-training, histogram", 34.2, "daynight_his", 29.8),
    ThesisRow("5.1", "night only", 29.6, "night_only"),
    ThesisRow("5.2", "more night, from 3.1", 34.7, "more_night"),
    ThesisRow("5.3", "5.1 + self-training, histogram", 29.8, "night_only_his"),
    ThesisRow("5.4", "5.2 + self-training, histogram", 33.3, "more_night_his"),
    ThesisRow("6.1", "day-night, focal loss alone", 26.9, "focal"),
    ThesisRow("6.2", "6.1 + self-training, histogram", 28.3, "focal_his"),
    ThesisRow("7.1", "3.1 + self-training, FID", 38.8, "fid_ce"),
    ThesisRow("7.2", "as 7.1, combined loss", 39.3, "fid_combined"),
    ThesisRow("7.3", "3.1 + histogram, combined loss", 33.1, "his_combined"),
    ThesisRow("8.1", "5.2 + self-training, histogram", 37.8, "more_night_his"),
    ThesisRow("8.2", "8.1 + self-training, FID", 39.5, "twice_ce"),
    ThesisRow("8.3", "as 8.2, combined loss", 40.7, "twice_combined"),
)
NOTE = (
    "The thesis gives two results (5.4: 33.3, 8.1: 37.8) for nearly the same configuration; it is "
    "one training of ours."
)
