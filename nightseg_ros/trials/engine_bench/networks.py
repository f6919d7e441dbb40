# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which networks a bench runs, and each of them for the size and batch that are asked for.

A shipped model has one size. For others the same network is exported anew with random weights:
what a network computes does not change how long it takes. The tables say which weights ran.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.bundle import SEGMENTATION, TRANSLATION, Bundle
from nightseg_ros.bundles.choice import model_folder
from nightseg_ros.bundles.models_folder import find_bundles
from nightseg_ros.bundles.write import write_bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels.label_set import CITYSCAPES19, LabelSet
from nightseg_ros.trials.engine_bench.graph import graph_facts, with_batch

Architecture = Mapping[str, Any]
Exporter = Callable[[Architecture, tuple[int, int]], bytes]
Quantiser = Callable[[Bundle, Path], Path]
SHIPPED, RANDOM, MADE_UP = "shipped", "random", "shipped*"

FULL = {"name": "erf_pspnet", "width": 1.0, "classes": 19}
FAST = {"name": "erf_pspnet", "width": 0.5, "classes": 19}
FUSED = {"name": "fused", "classes": 19, "channels": (FULL, FULL)}
LIGHT = {"kind": "light", "filters": 24, "blocks": 12}


@dataclass(frozen=True)
class Network:
    """A network under the name that tables give it; `bundle` where one is shipped."""

    label: str
    kind: str
    architecture: Architecture | None
    models: tuple[str, ...] = ()
    bundle: Bundle | None = None
    precision: str = "fp32"
    labels: LabelSet = CITYSCAPES19


@dataclass(frozen=True)
class Workshop:
    """Where and how networks are made; what needs torch or NNCF is None without them."""

    scratch: Path
    export: Exporter | None = None
    quantise: Quantiser | None = None


@dataclass(frozen=True)
class Prepared:
    """A network as files, for one size and batch."""

    bundle: Bundle
    onnx_path: Path
    weights: str
    macs: int | None


def shipped_networks(models_dir: Path, names: Sequence[str] | None) -> list[Network]:
    """Return the networks of a models folder; models that differ in weights only are one.

    A name may also be the path of a model folder that lies elsewhere.
    """
    if names is None:
        folders = {folder.name: folder for folder in find_bundles(models_dir)}
    else:
        folders = {name: model_folder(name, models_dir) for name in names}
    found: dict[tuple[str, ...], Network] = {}
    for name, folder in folders.items():
        network, fingerprint = _shipped(Bundle.load(folder))
        key = (network.label if network.architecture else "", network.precision, fingerprint)
        known = found.get(key)
        found[key] = replace(known, models=(*known.models, name)) if known else network
    return list(found.values())


def _shipped(bundle: Bundle) -> tuple[Network, str]:
    facts = graph_facts(bundle.read_model())
    described = bundle.training.get("network")
    architecture = dict(described) if isinstance(described, dict) else None
    network = Network(
        label=label_of(architecture) if architecture else bundle.name,
        kind=bundle.kind,
        architecture=architecture,
        models=(bundle.name,),
        bundle=bundle,
        precision=facts.precision if facts else "fp32",
        labels=bundle.labels or CITYSCAPES19,
    )
    return network, facts.fingerprint if facts else bundle.name


def made_network(architecture: Architecture) -> Network:
    """Return a network that is in no models folder, for random weights."""
    kind = TRANSLATION if "kind" in architecture else SEGMENTATION
    return Network(label_of(architecture), kind, architecture)


def label_of(architecture: Architecture) -> str:
    """Return the name of a network in tables.

    >>> label_of(FULL), label_of(FAST), label_of(LIGHT), label_of(FUSED)
    ('ERF-PSPNet', 'ERF-PSPNet fast', 'translator light', 'fused ERF-PSPNet')
    """
    if "kind" in architecture:
        usual = {**LIGHT, "kind": architecture["kind"]} == dict(architecture)
        usual = usual or "filters" not in architecture  # a trained curve
        detail = "" if usual else f" {architecture.get('filters')}x{architecture.get('blocks')}"
        return f"translator {architecture['kind']}{detail}"
    if architecture.get("name") == "fused":
        return fused_label(*map(label_of, architecture["channels"]))
    if architecture.get("name") == "erf_pspnet":
        width = float(architecture.get("width", 1.0))
        return {1.0: "ERF-PSPNet", 0.5: "ERF-PSPNet fast"}.get(width, f"ERF-PSPNet x{width:g}")
    return str(architecture.get("name"))


def fused_label(*channels: str) -> str:
    """Return the name of the fusion of these networks in tables."""
    return f"fused {' + '.join(dict.fromkeys(channels))}"


def prepare(network: Network, size: tuple[int, int], batch: int, workshop: Workshop) -> Prepared:
    """Return the network for images of `size` (height, width), `batch` at once."""
    bundle, weights = network.bundle, SHIPPED
    if bundle is None or (bundle.height, bundle.width) != size:
        bundle, weights = _exported(network, size, workshop), RANDOM
    if batch == 1:
        facts = graph_facts(bundle.read_model())
        return Prepared(bundle, bundle.onnx_path, weights, facts.macs if facts else None)
    try:
        data = with_batch(bundle.read_model(), batch)
    except NightsegError:
        if weights == RANDOM or workshop.export is None:
            raise
        # A model of an older export, made for one image; the network itself takes any number.
        bundle, weights = _exported(network, size, workshop), RANDOM
        data = with_batch(bundle.read_model(), batch)
    path = workshop.scratch / f"{bundle.name}_{bundle.sha256[:8]}_{batch}.onnx"
    path.write_bytes(data)
    facts = graph_facts(data)
    return Prepared(bundle, path, weights, facts.macs if facts else None)


def int8_file(prepared: Prepared, workshop: Workshop) -> tuple[Path, bool] | None:
    """Return an int8 network for OpenVINO, and whether it is the one that was checked on frames.

    Else it is made here, for its speed alone; None where NNCF is missing.
    """
    from nightseg_ros.engines.openvino import cached_int8

    bundle = prepared.bundle
    if prepared.weights == SHIPPED:
        with contextlib.suppress(NightsegError):
            return cached_int8(bundle), True
    if workshop.quantise is None:
        return None
    folder = workshop.scratch / f"{bundle.name}_{bundle.sha256[:8]}_int8"
    return workshop.quantise(bundle, folder), False


def _exported(network: Network, size: tuple[int, int], workshop: Workshop) -> Bundle:
    (height, width), export = size, workshop.export
    if export is None or network.architecture is None or network.precision != "fp32":
        raise NightsegError(
            "the model has another size; for other sizes install torch (pip install '.[train]')"
            if export is None
            else "its network cannot be made anew for another size"
        )
    tag = hashlib.sha256(repr(sorted(network.architecture.items())).encode()).hexdigest()[:8]
    folder = workshop.scratch / f"random_{tag}_{width}x{height}"
    if folder.is_dir():
        return Bundle.load(folder)
    segments = network.kind == SEGMENTATION
    return write_bundle(
        folder,
        export(network.architecture, size),
        name=folder.name,
        kind=network.kind,
        route="day" if segments else "translate",
        height=height,
        width=width,
        labels=network.labels if segments else None,
    )
