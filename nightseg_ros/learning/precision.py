# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which precision trains a network faster on this machine.

On processors with bf16 units plain convolutions gain a lot, depthwise ones are several times slower
than in fp32; two steps of a network show it better than any rule about what it is made of.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from nightseg_ros.learning.networks.segmenter import Segmenter

FULL, HALF = "32-true", "bf16-mixed"


def faster_precision(network: Segmenter, view: tuple[int, int], device: torch.device) -> str:
    """Return the name of the precision in which a step of `network` takes less time."""
    frames = torch.rand(2, 3, *view, device=device).contiguous(memory_format=torch.channels_last)
    trial = copy.deepcopy(network).to(device).train()
    times = {name: _time(trial, frames, name == HALF) for name in (FULL, HALF)}
    return min(times, key=times.__getitem__)


def _time(network: Segmenter, frames: Tensor, half: bool) -> float:
    """Return the time of the second step, in seconds; the first one compiles and allocates."""
    taken = 0.0
    for _ in range(2):
        started = time.perf_counter()
        with torch.autocast(frames.device.type, torch.bfloat16, enabled=half):
            scores = network.logits(frames)
        scores.float().square().mean().backward()  # type: ignore[no-untyped-call]
        if frames.device.type == "cuda":
            torch.cuda.synchronize()
        taken = time.perf_counter() - started
        network.zero_grad()
    return taken
