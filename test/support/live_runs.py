# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Live runs whose every time the test knows."""

from __future__ import annotations

from nightseg_ros.metrics.live import RunRecord

START_NS = 1_767_283_200 * 10**9
MS = 10**6


def record(latencies_ms, period_ms=100, camera=0):
    """Return a run with a frame every `period_ms`; None is a frame that got no mask."""
    run = RunRecord()
    for index, latency in enumerate(latencies_ms):
        key = (camera, START_NS + index * period_ms * MS)
        run.sent[key] = 0.5
        if latency is not None:
            run.arrived[key] = key[1] + round(latency * MS)
    return run
