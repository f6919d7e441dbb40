# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which precision trains a network faster on this machine.

On processors with bf16 units plain convolutions gain a lot, on others they lose as much, and
depthwise ones lose everywhere. Two steps of the part that takes the time show which it is.
"""

from __future__ import annotations

import copy
import time

import torch
from torch import nn

FULL, HALF = "32-true", "bf16-mixed"


def faster_precision(network: nn.Module, view: tuple[int, int], device: torch.device) -> str:
    """Return the name of the precision in which a step of `network` on images takes less time."""
    frames = torch.rand(2, 3, *view, device=device).contiguous(memory_format=torch.channels_last)
    frames.requires_grad_(True)  # of a frozen network the gradient goes on to its input
    trial = copy.deepcopy(network).to(device).train()
    times = {name: _time(trial, frames, name == HALF) for name in (FULL, HALF)}
    return min(times, key=times.__getitem__)


def _time(network: nn.Module, frames: torch.Tensor, half: bool) -> float:
    """Return the time of the second step, in seconds; the first one compiles and allocates."""
    taken = 0.0
    for _ in range(2):
        started = time.perf_counter()
        with torch.autocast(frames.device.type, torch.bfloat16, enabled=half):
            made = network(frames)
        made.float().square().mean().backward()
        if frames.device.type == "cuda":
            torch.cuda.synchronize()
        taken = time.perf_counter() - started
        network.zero_grad()
    return taken
