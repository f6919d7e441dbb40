# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The two pictures of the README: what the night model sees on two frames of the rendered drive.

`python doc/drive_pictures.py` writes them; do so when the default night model changes, and look
whether the numbers of FAULTS still point at what the README says of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.drive.render import Renderer
from nightseg_ros.engines.select import create_engine
from nightseg_ros.perception.overlay import blend, classes_in_view, draw_legend
from nightseg_ros.perception.pipeline import Pipeline

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet

Image = NDArray[np.uint8]

REPOSITORY = Path(__file__).resolve().parents[1]
MODEL = "erf_pspnet_night"
DRIVE = Renderer(seed=1, frames=40, size=(1280, 720), fps=2.0)
SIZE = (720, 405)
"""Of each half of a picture."""
TYPICAL, FAILURE = 36, 39
WHITE = (255, 255, 255)
FAULTS = {"1": (216, 160), "2": (482, 262), "3": (592, 205), "4": (655, 320)}
"""Where the numbers go on the half of the overlay."""


def main() -> None:
    """Write both pictures."""
    bundle = Bundle.load(REPOSITORY / "models" / MODEL)
    assert bundle.labels is not None
    pipeline = Pipeline({bundle.role: create_engine(bundle, "onnxruntime-cpu")})
    for index, name, marks in ((TYPICAL, "drive_night", {}), (FAILURE, "failure", FAULTS)):
        image = DRIVE.frame(index).image_bgr
        mask = pipeline.process(image).mask
        small = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA).astype(np.uint8)
        seen = overlay(small, mask, bundle.labels)
        for text, (x, y) in marks.items():
            cv2.circle(seen, (x, y), 15, WHITE, 2, cv2.LINE_AA)
            cv2.putText(seen, text, (x - 6, y + 7), 0, 0.6, WHITE, 2, cv2.LINE_AA)
        file = REPOSITORY / "doc" / "pictures" / f"{name}.jpg"
        cv2.imwrite(str(file), np.hstack([small, seen]), [cv2.IMWRITE_JPEG_QUALITY, 85])


def overlay(image: Image, mask: Image, labels: LabelSet) -> Image:
    """Return the image under the colours of its mask, with the legend."""
    small = cv2.resize(mask, SIZE, interpolation=cv2.INTER_NEAREST)
    palette = np.ascontiguousarray(labels.palette()[:, ::-1])
    picture = blend(image, small.astype(np.uint8), palette, 0.5)
    draw_legend(picture, labels, classes_in_view(mask), "night")
    return picture


if __name__ == "__main__":
    main()
