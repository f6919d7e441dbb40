# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The grain of materials: seamless tiles that modulate the flat colour of a face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.drive.mesh import Material

TILE = 256
"""Pixels of one tile, which covers METRES of a surface."""
METRES = 4.0
_EDGE = 2
_FADE = {
    Material.SMOOTH: 1.0,
    Material.ASPHALT: 11.0,
    Material.PAVING: 16.0,
    Material.BRICK: 26.0,
    Material.PLASTER: 70.0,
    Material.LEAF: 45.0,
    Material.GRASS: 18.0,
    Material.CONCRETE: 45.0,
}


def _noise(rng: np.random.Generator, power: float, stretch: float = 1.0) -> NDArray:
    """Return a seamless (TILE, TILE) field of mean 0 and deviation 1, smoother for more power."""
    fy = np.fft.fftfreq(TILE)[:, None] * TILE * stretch
    fx = np.fft.rfftfreq(TILE)[None, :] * TILE
    frequency = np.maximum(np.hypot(fx, fy), 1.0)
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE))) * frequency**-power
    field = np.fft.irfft2(spectrum, s=(TILE, TILE))
    return np.asarray((field - field.mean()) / field.std())


def _bricks(rng: np.random.Generator, rows: int, columns: int, joint: float) -> NDArray:
    """Return rows of bricks or slabs of different tones, with dark joints."""
    v, u = np.mgrid[0:TILE, 0:TILE] / TILE
    row = np.floor(v * rows).astype(int)
    along = u * columns + 0.5 * (row % 2)
    column = np.floor(along).astype(int) % columns
    tone = rng.normal(0, 1, (rows, columns))[row % rows, column]
    seam = ((v * rows) % 1 < joint * rows / TILE) | (along % 1 < joint * columns / TILE)
    return np.asarray(np.where(seam, -3.0, tone))


def atlas(rng: np.random.Generator) -> NDArray:
    """Return all tiles side by side as float32 factors around 1, row edges repeated."""
    tiles = {
        Material.SMOOTH: np.zeros((TILE, TILE)),
        Material.ASPHALT: 0.13 * _noise(rng, 0.25) + 0.05 * _noise(rng, 1.4),
        Material.PAVING: 0.05 * _bricks(rng, 8, 8, 3.0) + 0.04 * _noise(rng, 0.6),
        Material.BRICK: 0.09 * _bricks(rng, 32, 16, 2.0) + 0.05 * _noise(rng, 1.2),
        Material.PLASTER: 0.045 * _noise(rng, 1.5) + 0.015 * _noise(rng, 0.2),
        Material.LEAF: 0.2 * _noise(rng, 0.85),
        Material.GRASS: 0.16 * _noise(rng, 0.5, stretch=0.4) + 0.08 * _noise(rng, 1.5),
        Material.CONCRETE: 0.03 * _bricks(rng, 2, 2, 2.0) + 0.05 * _noise(rng, 1.5),
    }
    padded = [np.pad(1 + tiles[m], ((0, _EDGE), (0, _EDGE)), mode="wrap") for m in Material]
    return np.asarray(np.clip(np.hstack(padded), 0.3, 1.7), np.float32)


STRIDE = TILE + _EDGE
FADE = np.array([_FADE[material] for material in Material], np.float32)
"""Metres at which each material has lost half of its contrast."""
