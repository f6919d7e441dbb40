# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Relight a labelled day image as night: what the labels say decides where the light goes.

A street at night is not a dark day: the sky gives no light, head lamps light the road ahead, street
lamps make warm pools, lit windows and lamps glow, and the sensor adds noise. All of it is drawn at
random for every image, because the aim is variety, not beauty.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from nightseg_ros.labels import CITYSCAPES19

_SKY = CITYSCAPES19.names.index("sky")
_LAMP_COLOURS = ((1.0, 0.72, 0.42), (1.0, 0.85, 0.65), (0.85, 0.95, 1.0))
_POINT_COLOURS = (*_LAMP_COLOURS, (1.0, 0.12, 0.08), (1.0, 0.2, 0.1), (0.2, 1.0, 0.6))


def _random(n: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.empty(n, 1, 1, device=device).uniform_(low, high)


def _spots(n: int, ys: Tensor, xs: Tensor, top: float, bottom: float, spread: float) -> Tensor:
    """Return (n, H, W): one soft round spot of random place, size and strength per image."""
    device = ys.device
    y, x = _random(n, top, bottom, device), _random(n, -1.1, 1.1, device)
    radius = (_random(n, 0.01, 1.0, device) * spread) ** 2 + 1e-4
    strength = _random(n, 0.0, 1.0, device) ** 2
    return strength / (1 + ((ys - y) ** 2 + (xs - x) ** 2) / radius) ** 2


def relight_as_night(images: Tensor, labels: Tensor) -> Tensor:
    """Return night versions of `images` (N, 3, H, W) in [0, 1] with `labels` (N, H, W) ids."""
    n, _, height, width = images.shape
    device = images.device
    ys = torch.linspace(-1, 1, height, device=device)[:, None]
    xs = torch.linspace(-1, 1, width, device=device)[None, :]

    ambient = torch.empty(n, 1, 1, device=device).uniform_(-5.2, -1.4).exp()
    beam = torch.exp(-((xs / _random(n, 0.4, 1.2, device)) ** 2)) * torch.sigmoid(
        (ys - _random(n, -0.3, 0.4, device)) * 8
    )
    light = ambient + beam * _random(n, 0.0, 0.8, device)
    for _ in range(3):
        light = light + _spots(n, ys, xs, -0.6, 1.0, 0.6) * _random(n, 0.0, 0.9, device)
    sky_light = ambient * torch.empty(n, 1, 1, device=device).uniform_(-4.0, 0.0).exp()
    sky = F.avg_pool2d((labels == _SKY).float()[:, None], 5, 1, 2)[:, 0]
    light = light * (1 - sky) + sky_light * sky

    lamps = torch.tensor(_LAMP_COLOURS, device=device)
    tint = lamps[torch.randint(len(lamps), (n,), device=device)][:, :, None, None]
    strength = torch.rand(n, 1, 1, 1, device=device)
    tint = 1 + strength * (tint - 1)
    linear = images.clamp(1e-4, 1) ** 2.2
    # Flatten the daylight's own shading a little: at night no sun casts those shadows.
    contrast = torch.empty(n, 1, 1, 1, device=device).uniform_(0.8, 1.5)
    linear = linear**contrast * light[:, None] * tint

    points = torch.tensor(_POINT_COLOURS, device=device)
    for spread in (0.02, 0.02, 0.03, 0.03, 0.06, 0.15):
        colour = points[torch.randint(len(points), (n,), device=device)][:, :, None, None]
        linear = linear + 1.5 * _spots(n, ys, xs, -0.8, 0.5, spread)[:, None] * colour
    exposure = torch.empty(n, 1, 1, 1, device=device).uniform_(0.7, 2.5)
    night = (linear * exposure).clamp(1e-5, 1) ** (1 / 2.2)
    fade = _random(n, 0.0, 0.04, device)[:, None]  # black level of a cheap sensor
    grain = _random(n, 0.0, 0.03, device)[:, None]
    coarse = F.interpolate(
        torch.randn(n, 3, height // 2, width // 2, device=device), (height, width)
    )
    night = fade + night * (1 - fade) + grain * coarse * (0.4 + night)
    return night.clamp(0, 1)
