# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Relight a labelled day image as night: what the labels say decides where the light goes.

A street at night is not a dark day: the sky gives no light, head lamps light the road ahead, street
lamps make warm pools, lit windows and lamps glow and dazzle, and the sensor adds noise. All of it
is drawn at random for every image, because the aim is variety, not beauty. The ranges are fitted to
the light of real night frames: mean, dark and bright share, sky.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DARK, _SHINING = ("sky",), ("traffic light", "traffic sign")
_LAMP_COLOURS = ((1.0, 0.62, 0.3), (1.0, 0.82, 0.6), (0.9, 0.96, 1.0))
_POINT_COLOURS = (*_LAMP_COLOURS, (1.0, 0.12, 0.08), (1.0, 0.2, 0.1), (0.2, 1.0, 0.6))


def _random(n: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.empty(n, 1, 1, device=device).uniform_(low, high)


def _shows(labels: Tensor, classes: LabelSet, names: tuple[str, ...]) -> Tensor:
    """Return (N, H, W): 1 where a pixel shows one of these classes, else 0."""
    ids = torch.tensor(classes.ids(names), dtype=labels.dtype, device=labels.device)
    return torch.isin(labels, ids).float()


def _spots(
    n: int, ys: Tensor, xs: Tensor, top: float, bottom: float, spread: float, falloff: float = 2.0
) -> Tensor:
    """Return (n, H, W): one soft round spot of random place, size and strength per image."""
    device = ys.device
    y, x = _random(n, top, bottom, device), _random(n, -1.1, 1.1, device)
    radius = (_random(n, 0.01, 1.0, device) * spread) ** 2 + 1e-4
    strength = _random(n, 0.0, 1.0, device) ** 2
    return strength / (1 + ((ys - y) ** 2 + (xs - x) ** 2) / radius) ** falloff


def _glare(n: int, ys: Tensor, xs: Tensor) -> Tensor:
    """Return (n, 3, H, W): what a lamp that shines into the lens adds, in a third of the images.

    A halo around the lamp, a streak through it, and its reflection on the other side of the middle.
    """
    device = ys.device
    y, x = _random(n, -0.5, 0.6, device), _random(n, -1.0, 1.0, device)
    distance = (ys - y) ** 2 + (xs - x) ** 2
    halo = 0.25 / (1 + distance / (_random(n, 0.05, 0.4, device) ** 2)) ** 2
    core = 6.0 / (1 + distance / (_random(n, 0.01, 0.08, device) ** 2)) ** 3
    turn = _random(n, -0.3, 0.3, device)
    across = (ys - y) - turn * (xs - x)
    streak = 0.3 * torch.exp(-((across / 0.012) ** 2) - (xs - x).abs() / 0.4)
    ghost = 0.06 * torch.exp(-(((ys + y) ** 2 + (xs + x) ** 2) / 0.006))
    there = (_random(n, 0.0, 1.0, device) < 1 / 3).float() * _random(n, 0.2, 1.0, device)
    lamps = torch.tensor(_LAMP_COLOURS, device=device)
    colour = lamps[torch.randint(len(lamps), (n,), device=device)][:, :, None, None]
    return (there * (halo + core + streak + ghost))[:, None] * colour


def relight_as_night(images: Tensor, labels: Tensor, classes: LabelSet = CITYSCAPES19) -> Tensor:
    """Return night versions of `images` (N, 3, H, W) in [0, 1] with `labels` (N, H, W) ids.

    Sky gives no light by night; traffic lights give some, and signs throw that of the head lamps
    straight back.
    """
    n, _, height, width = images.shape
    device = images.device
    ys = torch.linspace(-1, 1, height, device=device)[:, None]
    xs = torch.linspace(-1, 1, width, device=device)[None, :]

    ambient = torch.empty(n, 1, 1, device=device).uniform_(-8.0, -2.8).exp()
    beam = torch.exp(-((xs / _random(n, 0.4, 1.2, device)) ** 2)) * torch.sigmoid(
        (ys - _random(n, -0.3, 0.4, device)) * 8
    )
    light = ambient + beam * _random(n, 0.0, 1.0, device) ** 2
    for _ in range(3):
        light = light + _spots(n, ys, xs, -0.6, 1.0, 0.6, 3.0) * _random(n, 0.0, 1.4, device)
    sky_light = ambient * torch.empty(n, 1, 1, device=device).uniform_(-4.5, 0.2).exp()
    dark = F.avg_pool2d(_shows(labels, classes, _DARK)[:, None], 5, 1, 2)[:, 0]
    light = light * (1 - dark) + sky_light * dark
    light = light + _shows(labels, classes, _SHINING) * _random(n, 0.0, 1.0, device) ** 2

    lamps = torch.tensor(_LAMP_COLOURS, device=device)
    tint = lamps[torch.randint(len(lamps), (n,), device=device)][:, :, None, None]
    strength = 1.2 * torch.rand(n, 1, 1, 1, device=device)
    tint = 1 + strength * (tint - 1)
    linear = images.clamp(1e-4, 1) ** 2.2
    # Flatten the daylight's own shading a little: at night no sun casts those shadows.
    contrast = torch.empty(n, 1, 1, 1, device=device).uniform_(0.8, 1.5)
    linear = linear**contrast * light[:, None] * tint

    points = torch.tensor(_POINT_COLOURS, device=device)
    for spread in (0.02, 0.02, 0.03, 0.03, 0.06, 0.15):
        colour = points[torch.randint(len(points), (n,), device=device)][:, :, None, None]
        linear = linear + 8.0 * _spots(n, ys, xs, -0.8, 0.5, spread, 3.0)[:, None] * colour
    linear = linear + _glare(n, ys, xs)
    exposure = torch.empty(n, 1, 1, 1, device=device).uniform_(0.8, 1.8)
    night = (linear * exposure).clamp(1e-5, 1) ** (1 / 2.2)
    # The black level: a cheap sensor's haze, or shadows that its processing crushes.
    fade = _random(n, -0.05, 0.025, device)[:, None]
    grain = _random(n, 0.0, 0.03, device)[:, None]
    coarse = F.interpolate(
        torch.randn(n, 3, height // 2, width // 2, device=device), (height, width)
    )
    night = fade + night * (1 - fade) + grain * coarse * (0.4 + night)
    return night.clamp(0, 1)


def relit_copy(
    image: NDArray[np.uint8], labels: NDArray[np.uint8], classes: LabelSet, seed: int
) -> NDArray[np.uint8]:
    """Return a night version of one RGB image, the same for the same seed."""
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        night = relight_as_night(pixels, torch.from_numpy(labels)[None].long(), classes)[0]
    return np.asarray((255 * night).round().byte().permute(1, 2, 0).contiguous().numpy())
