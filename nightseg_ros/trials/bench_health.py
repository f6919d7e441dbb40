# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Damages frames of known good drives, and counts what the watch over the camera finds."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.render import Renderer
from nightseg_ros.metrics.percentiles import percentiles
from nightseg_ros.perception.camera_health import CameraHealth

Image = NDArray[np.uint8]
Drive = Sequence[Image]
FPS = 10.0
CLEAN = 25
"""Frames before a fault: what the camera usually shows."""
WITHIN = 10
"""Frames in which a fault should be found: a second."""
HELD = 50
"""Frames for which a still is played."""
CROP = 0.85
DIRT = np.array((40, 55, 70), np.float32)

STRENGTHS: dict[str, tuple[str, tuple[float, ...]]] = {
    "covered": ("opacity", (0.8, 0.9, 0.95, 1.0)),
    "obstructed": ("share of the frame", (0.03, 0.06, 0.12, 0.25, 0.5)),
    "dirty": ("opacity over a quarter", (0.5, 0.7, 0.8, 0.9, 0.97)),
    "defocused": ("sigma in pixels of 640", (0.5, 1.0, 1.5, 2.0, 4.0)),
    "dazzled": ("radius, share of the width", (0.1, 0.15, 0.2, 0.3, 0.45)),
    "overexposed": ("stops", (1.0, 2.0, 3.0, 4.0)),
    "underexposed": ("stops", (2.0, 3.0, 4.0, 5.0, 6.0)),
    "frozen": ("copies of a frame", (1.0,)),
    "flickering": ("depth", (0.03, 0.06, 0.1, 0.2, 0.4)),
    "tinted": ("share taken from a colour", (0.2, 0.4, 0.6, 0.8)),
    "noisy": ("sigma in grey levels", (3.0, 6.0, 9.0, 12.0, 20.0)),
}
"""What a strength of each fault is, and those that are tried."""
NAMED = {"dirty": "obstructed"}
ALSO = {
    "covered": {"obstructed", "underexposed", "defocused"},
    "dazzled": {"overexposed"},
    "overexposed": {"dazzled"},
    "underexposed": {"covered"},
}
"""Other names under which a fault counts as found: the camera is reported all the same."""


def damage(name: str, strength: float, drive: Drive, rng: np.random.Generator) -> Iterator[Image]:
    """Return frames of a drive with a fault that has the same place in all of them."""
    height, width = drive[0].shape[:2]
    area = {"obstructed": strength, "dirty": 0.25}.get(name, 0.0)
    x, y = rng.uniform(0.25, 0.75, 2) * (width, height)
    across, down = np.arange(width) - x, np.arange(height)[:, None] - y
    aspect = 1.6
    radius = float(np.sqrt(area * width * height / np.pi / aspect))
    channel = int(rng.integers(3))
    for index, frame in enumerate(drive):
        pixels = frame.astype(np.float32)
        if name == "covered":
            pixels += (24.0 - pixels) * strength
        elif area:
            distance = np.hypot(across / aspect, down) / radius
            soft = np.clip((1.1 - distance) / 0.2, 0.0, 1.0)[..., None]
            soft = soft * (strength if name == "dirty" else 1.0)
            pixels += (DIRT - pixels) * soft
        elif name == "defocused":
            blurred = cv2.GaussianBlur(pixels, (0, 0), strength * width / 640)
            pixels = np.asarray(blurred, np.float32)
        elif name == "dazzled":
            distance = np.hypot(across, down) / (strength * width)
            pixels += (600.0 * np.exp(-(distance**2)))[..., None]
        elif name in ("overexposed", "underexposed"):
            pixels *= 2.0 ** (strength if name == "overexposed" else -strength)
        elif name == "frozen":
            pixels = drive[0].astype(np.float32)
        elif name == "flickering":
            pixels *= 1.0 + strength * (-1) ** index
        elif name == "tinted":
            pixels[..., channel] *= 1.0 - strength
        elif name == "noisy":
            pixels += strength * rng.standard_normal(pixels.shape, np.float32)
        yield np.asarray(np.clip(pixels + 0.5, 0, 255), np.uint8)


def scaled(image: Image, size: tuple[int, int]) -> Image:
    """Return an image of this width and height."""
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def played(still: Image, frames: int = HELD) -> list[Image]:
    """Return a drive into a photograph: ever smaller parts of it, none of them enlarged."""
    height, width = still.shape[:2]
    size = (int(width * CROP), int(height * CROP))
    found = []
    for index in range(frames):
        part = 1.0 - (1.0 - CROP) * index / max(1, HELD - 1)
        wide, tall = int(width * part), int(height * part)
        left, top = (width - wide) // 2, (height - tall) // 2
        crop = still[top : top + tall, left : left + wide]
        found.append(scaled(crop, size))
    return found


def rendered(frames: int, size: tuple[int, int], seed: int = 1) -> Iterator[Image]:
    """Return the frames of a rendered drive from day through dusk into the night."""
    renderer = Renderer(seed, frames, size, FPS)
    for index in range(frames):
        yield renderer.frame(index).image_bgr


def false_alarms(drive: Iterator[Image]) -> dict[str, Any]:
    """Return how often each fault begins to be reported in a clean drive, per hour."""
    watch, before, begun, count = CameraHealth(), set[str](), Counter[str](), 0
    for count, frame in enumerate(drive, 1):
        faults = set(watch.update(frame, "bgr", count / FPS).faults)
        begun.update(faults - before)
        before = faults
    hours = count / FPS / 3600
    return {
        "frames": count,
        "hours": hours,
        "alarms": dict(begun),
        "alarms_per_hour": sum(begun.values()) / hours,
    }


def detection(
    drives: Sequence[Drive], on_drive: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """Return the share of drives in which each fault is found within a second, by strength."""
    found: Counter[tuple[str, float]] = Counter()
    for number, drive in enumerate(drives):
        clean = CameraHealth()
        for index, frame in enumerate(drive[:CLEAN]):
            clean.update(frame, "bgr", index / FPS)
        for name, (_, strengths) in STRENGTHS.items():
            right = {NAMED.get(name, name)} | ALSO.get(name, set())
            for strength in strengths:
                rng = np.random.default_rng([number, len(name)])
                watch, seen = copy.deepcopy(clean), set[str]()
                bad = damage(name, strength, drive[CLEAN : CLEAN + WITHIN], rng)
                for index, frame in enumerate(bad, CLEAN):
                    seen |= set(watch.update(frame, "bgr", index / FPS).faults)
                found[name, strength] += bool(seen & right)
        on_drive()
    return [
        {
            "fault": name,
            "unit": unit,
            "strength": strength,
            "found": found[name, strength] / len(drives),
        }
        for name, (unit, strengths) in STRENGTHS.items()
        for strength in strengths
    ]


def milliseconds(frames: Drive, count: int = 300) -> dict[str, float] | None:
    """Return the processor time of looking at a frame."""
    watch, spent_ms = CameraHealth(), []
    for index in range(count):
        frame = frames[index % len(frames)]
        start_s = time.process_time()
        watch.update(frame, "bgr", index / FPS)
        spent_ms.append((time.process_time() - start_s) * 1e3)
    return percentiles(spent_ms)
