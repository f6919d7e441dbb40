# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A whole bench: groups of one size and batch, each a race of all networks on all engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nightseg_ros.bundles.bundle import SEGMENTATION
from nightseg_ros.engines.gpu import gpu_device
from nightseg_ros.engines.kinds import KINDS
from nightseg_ros.engines.onnxruntime.providers import PROVIDERS
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import scratch_folder
from nightseg_ros.trials.engine_bench.bench import (
    Bench,
    Contender,
    Plan,
    Row,
    add_shares,
    drop_hopeless,
    machine,
)
from nightseg_ros.trials.engine_bench.gemm import GPU_WAYS, TORCH_WAYS, WAYS
from nightseg_ros.trials.engine_bench.graph_file import KIND, WEIGHTS, GraphFile
from nightseg_ros.trials.engine_bench.networks import (
    MADE_UP,
    RANDOM,
    SHIPPED,
    Exporter,
    Network,
    Prepared,
    Quantiser,
    Workshop,
    int8_file,
    prepare,
)

TORCH = {"torch": False, "torch-compile": True}
"""Rows of torch itself -> whether its compiler is used."""
OPENVINO, INT8 = "openvino", "openvino-int8"
CHOICES = (*KINDS, *TORCH)
"""What can be measured: every engine under the name that says which it is."""
GPU_BATCH = 8

Group = tuple[tuple[int, int], int]


@dataclass(frozen=True)
class Task:
    """What to measure; sizes are (height, width)."""

    networks: Sequence[Network]
    groups: Sequence[Group]
    engines: Sequence[str]
    plan: Plan
    graphs: Sequence[GraphFile] = ()


def default_engines() -> list[str]:
    """Return every engine that could run here; with a GPU also torch, which may be all there is.

    On a CPU torch is never the fastest, and its rows would take as long as all others; its
    compiler takes half a minute for each row.
    """
    gpu = bool(gpu_device())
    names = [kind.name for kind in KINDS.values() if kind.name != "fake" and (gpu or not kind.gpu)]
    return [*names, "torch"] if gpu else names


def default_batches() -> list[int]:
    """Return one image at a time and several."""
    return [1, 4, GPU_BATCH] if gpu_device() else [1, 4]


def groups(
    sizes: Sequence[tuple[int, int]], batches: Sequence[int], *, all_sizes: bool
) -> list[Group]:
    """Return the pairs to measure: batches over one only at the first size, unless at all.

    >>> groups([(272, 480), (360, 640)], [1, 4], all_sizes=False)
    [((272, 480), 1), ((272, 480), 4), ((360, 640), 1)]
    """
    return [
        (size, batch)
        for index, size in enumerate(sizes)
        for batch in batches
        if batch == 1 or index == 0 or all_sizes
    ]


def measure(
    task: Task,
    export: Exporter | None,
    quantise: Quantiser | None = None,
    advance: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the rows, the ceilings and what was left out, with the reason."""
    gpu = bool(gpu_device())
    ways = [*WAYS, *(TORCH_WAYS if export else ()), *(GPU_WAYS if gpu and export else ())]
    rows: list[Row] = []
    with scratch_folder("bench") as scratch, Bench(task.plan, advance) as bench:
        workshop = Workshop(scratch, export, quantise)
        engines = _engines_here(task.engines, bench)
        bench.find_ceilings(ways)
        for number, group in enumerate(task.groups):
            contenders = _contenders(task, group, engines, workshop, bench)
            found = bench.race([*contenders, *_graphs(task.graphs, group, engines, bench)])
            rows += found
            if number == 0:
                engines = drop_hopeless(engines, found) or engines
        ceilings, left_out = bench.ceilings(), bench.left_out
    if not rows:
        reasons = "; ".join(f"{e['engine']}: {e['reason']}" for e in left_out) or "no networks"
        raise NightsegError(f"nothing could be measured ({reasons})")
    add_shares(rows, ceilings)
    return {
        "machine": {**machine(), "threads": task.plan.threads},
        "ceilings": ceilings,
        "rows": rows,
        "left_out": left_out,
    }


def _engines_here(names: Sequence[str], bench: Bench) -> list[str]:
    """Return the engines whose libraries are installed, and note why the others are left out."""
    here = []
    for name in names:
        reason = KINDS[name].why_not() if name in KINDS else ""
        if reason:
            bench.leave_out({"engine": name, "network": "all"}, reason)
        else:
            here.append(name)
    return here


def _contenders(
    task: Task, group: Group, engines: Sequence[str], workshop: Workshop, bench: Bench
) -> list[Contender]:
    """Return all networks on all engines, for one size and batch."""
    size, batch = group
    place = {"height": size[0], "width": size[1], "batch": batch}
    contenders = []
    for network in task.networks:
        facts = {"network": network.label, "kind": network.kind, "models": network.models, **place}
        try:
            files = prepare(network, size, batch, workshop)
        except NightsegError as error:
            where = f"all, {size[1]}x{size[0]}, batch {batch}"
            bench.leave_out({"engine": where, "network": network.label}, str(error))
            continue
        facts |= {"weights": files.weights, "macs": files.macs}
        for engine in engines:
            row = {**facts, "engine": engine}
            try:
                spec = {"engine": engine, **place, **_spec(network, files, engine, batch, workshop)}
            except NightsegError as error:
                bench.leave_out(row, str(error))
                continue
            row["weights"] = spec.pop("weights", row["weights"])
            # Engines built of random weights are not for the user's cache.
            keep = files.weights == SHIPPED
            env = {} if keep else {"NIGHTSEG_ENGINE_CACHE": str(workshop.scratch / "engines")}
            contenders.append(Contender(row, spec, env))
    return contenders


def _graphs(
    graphs: Sequence[GraphFile], group: Group, engines: Sequence[str], bench: Bench
) -> list[Contender]:
    """Return the graphs of other origin, on the engines that take a bare graph."""
    (height, width), batch = group
    contenders = []
    for graph in graphs:
        try:
            shape = graph.at((height, width), batch)
        except NightsegError as error:
            where = f"all, {width}x{height}, batch {batch}"
            bench.leave_out({"engine": where, "network": graph.label}, str(error))
            continue
        facts = {
            "network": graph.label,
            "kind": KIND,
            "models": (str(graph.path),),
            "fed": graph.fed(shape),
            "height": height,
            "width": width,
            "batch": batch,
            "weights": WEIGHTS,
            "macs": graph.macs(shape),
        }
        for engine in engines:
            row = {**facts, "engine": engine}
            if engine not in PROVIDERS and engine != OPENVINO:
                bench.leave_out(row, "it runs model folders only, not bare graphs")
                continue
            contenders.append(Contender(row, {"kind": KIND, "engine": engine, **graph.spec(shape)}))
    return contenders


def _spec(
    network: Network, files: Prepared, engine: str, batch: int, workshop: Workshop
) -> dict[str, Any]:
    """Return what the process of this row has to run."""
    if engine in TORCH:
        if network.architecture is None or network.precision != "fp32":
            raise NightsegError("its network cannot be made anew by torch")
        architecture = dict(network.architecture)
        spec = {"kind": "torch", "compiled": TORCH[engine], "architecture": architecture}
        return {**spec, "weights": RANDOM}
    file = files.onnx_path
    spec = {"kind": "engine", "bundle": str(files.bundle.path)}
    if engine == INT8:
        if network.kind != SEGMENTATION or network.precision != "fp32":
            raise NightsegError("int8 is for segmentation networks in fp32")
        if made := int8_file(files, workshop):
            file, proven = made
            if not proven:
                spec["ir"] = str(file)
                spec["weights"] = MADE_UP if files.weights == SHIPPED else RANDOM
        elif batch > 1:
            raise NightsegError("it needs nncf: pip install '.[quantise]'")
    if batch > 1:
        return {**spec, "kind": "batch", "file": str(file)}
    return spec
