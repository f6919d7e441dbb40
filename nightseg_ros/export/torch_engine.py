# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network as torch runs it, behind the protocol of engines: the reference of its export."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nightseg_ros.engines.engine import EngineInfo, Outputs

INFO = EngineInfo(backend="torch", provider="eager", device="cpu", precision="fp32")


class TorchEngine:
    """A `SegmentationGraph` or `TranslationGraph`, on the CPU."""

    info = INFO

    def __init__(self, graph: nn.Module, size: tuple[int, int]) -> None:
        self.input_size = size
        self._graph = graph.eval()

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Run the network on one image."""
        with torch.inference_mode():
            outputs = self._graph(torch.from_numpy(image[None]))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return tuple(output[0].numpy() for output in outputs)

    def close(self) -> None:
        """Keep nothing."""
