# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The moving picture of the README: the rendered drive from day to night, and what the node sees.

`make video` writes it; do so when the default models change.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nightseg_ros.bundles.choice import choose_bundles
from nightseg_ros.drive.render import Renderer
from nightseg_ros.engines.select import create_engine
from nightseg_ros.perception.overlay import blend
from nightseg_ros.perception.pipeline import Pipeline

REPOSITORY = Path(__file__).resolve().parents[1]
FILE = REPOSITORY / "doc" / "pictures" / "drive.gif"
ROLES = ("day", "night")
FRAMES, FPS = 64, 6.0
SIZE = (320, 180)
"""Of each half."""
COLORS = 96
MOST_BYTES = 3_000_000


def main() -> None:
    """Write the file; an error where it is too large for a README."""
    frames = pictures()
    # One palette for all frames and no dithering: what does not change costs nothing.
    sheet = Image.fromarray(np.vstack(frames[:: FRAMES // 8]))
    palette = sheet.quantize(COLORS, method=Image.Quantize.MEDIANCUT)
    images = [
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    ]
    images[0].save(
        FILE, save_all=True, append_images=images[1:], duration=round(1000 / FPS), loop=0
    )
    size = FILE.stat().st_size
    print(f"{FILE}: {len(frames)} frames, {size / 1e6:.2f} MB")
    if size > MOST_BYTES:
        raise SystemExit(f"more than {MOST_BYTES / 1e6:g} MB: lower FRAMES, SIZE or COLORS")


def pictures() -> list[NDArray[np.uint8]]:
    """Return RGB frames, the camera beside the classes, with the route that was taken."""
    bundles = choose_bundles(REPOSITORY / "models", roles=ROLES)
    labels = bundles["day"].labels
    assert labels is not None
    engines = {role: create_engine(bundle, "onnxruntime-cpu") for role, bundle in bundles.items()}
    pipeline = Pipeline(engines)
    palette = np.ascontiguousarray(labels.palette()[:, ::-1])
    drive = Renderer(seed=1, frames=FRAMES, size=(640, 360), fps=FPS)
    found = []
    for index in range(FRAMES):
        image = drive.frame(index).image_bgr
        result = pipeline.process(image, now_s=index / FPS)
        small = np.asarray(cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        mask = np.asarray(cv2.resize(result.mask, SIZE, interpolation=cv2.INTER_NEAREST), np.uint8)
        calm = np.asarray(cv2.medianBlur(small, 3), np.uint8)
        seen = blend(calm, mask, palette, 0.6)
        cv2.putText(seen, result.route, (8, 20), 0, 0.55, (255, 255, 255), 1, cv2.LINE_AA)
        found.append(np.ascontiguousarray(np.hstack([small, seen])[..., ::-1]))
    return found


if __name__ == "__main__":
    main()
