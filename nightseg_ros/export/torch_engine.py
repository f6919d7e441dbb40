# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network in torch behind the engine protocol: the reference of its export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from nightseg_ros.engines.engine import EngineInfo, Outputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TorchEngine:
    """A `SegmentationGraph` or `TranslationGraph`, on the CPU."""

    info = EngineInfo(backend="torch", provider="eager", device="cpu", precision="fp32")

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
        """Do nothing."""
