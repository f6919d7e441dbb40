# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The program of the measuring processes of `nightseg bench engines`; not called by people."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.trials.engine_bench.child import Runner, serve


def create(spec: Mapping[str, Any]) -> Runner:
    """Return what the first line names; libraries are loaded here, by the one that needs them."""
    kind, threads = spec["kind"], spec["threads"]
    if kind == "gemm" and spec["way"].startswith("torch"):
        from nightseg_ros.export.bench_torch import TorchGemm

        return TorchGemm(spec)
    if kind == "gemm":
        from nightseg_ros.trials.engine_bench.gemm import GemmRunner

        return GemmRunner(spec["way"], spec["precision"], spec["side"], threads)
    if kind == "torch":
        from nightseg_ros.export.bench_torch import TorchRunner

        return TorchRunner(spec)
    from nightseg_ros.trials.engine_bench.runners import BatchRunner, EngineRunner, GraphRunner

    if kind == "graph":
        return GraphRunner(spec)
    if kind == "batch":
        shape = (spec["batch"], spec["height"], spec["width"])
        file, bundle = Path(spec["file"]), Path(spec["bundle"])
        return BatchRunner(file, bundle, spec["engine"], threads, shape)
    ir = Path(spec["ir"]) if spec.get("ir") else None
    return EngineRunner(Bundle.load(spec["bundle"]), spec["engine"], threads, ir)


if __name__ == "__main__":
    sys.exit(serve(create))
