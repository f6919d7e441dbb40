# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The percentiles that every summary of times tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def percentiles(values: Sequence[float]) -> Mapping[str, float] | None:
    """Return p50, p95, p99 and the largest value; None of nothing.

    >>> percentiles([10.0, 30.0, 20.0])["p50"]
    20.0
    """
    if not len(values):
        return None
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {"p50": float(p50), "p95": float(p95), "p99": float(p99), "max": float(max(values))}
