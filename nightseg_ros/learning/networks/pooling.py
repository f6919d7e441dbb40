# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Average pooling to a small grid that any exporter and any engine understands."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def pooling_matrix(size: int, cells: int) -> Tensor:
    """Return (cells, size) weights that average `size` values into `cells` windows.

    The windows are those of adaptive average pooling: from floor(i*size/cells) to
    ceil((i+1)*size/cells), overlapping where `size` is no multiple of `cells`.
    """
    matrix = torch.zeros(cells, size)
    for cell in range(cells):
        start, end = cell * size // cells, -((-(cell + 1) * size) // cells)
        matrix[cell, start:end] = 1.0 / (end - start)
    return matrix


class GridPool(nn.Module):
    """Adaptive average pooling to a square grid as two products with constant matrices.

    Adaptive pooling itself exports to no operator that TensorRT takes when the size is no
    multiple of the grid (34 rows in 8 cells, for one); constant matrices always do.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.fixed = False

    def fix(self, height: int, width: int) -> None:
        """Serve this one feature size from now on, with constant matrices."""
        self.register_buffer("rows", pooling_matrix(height, self.grid))
        self.register_buffer("columns", pooling_matrix(width, self.grid).t().contiguous())
        self.fixed = True

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, grid, grid)."""
        if self.grid == 1:
            return x.mean((2, 3), keepdim=True)
        if self.fixed:
            return torch.matmul(torch.matmul(self.rows, x), self.columns)
        return nn.functional.adaptive_avg_pool2d(x, self.grid)
