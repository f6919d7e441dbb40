# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Models for the fake engine, and a real ROS graph round the segmentation node."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nightseg_ros.labels import CITYSCAPES19
from nightseg_ros.write_bundle import write_bundle

sys.path.insert(0, str(Path(__file__).parent))

KINDS = {
    "day": ("segmentation", "day"),
    "night": ("segmentation", "night"),
    "translator": ("translation", "translate"),
    "fused": ("segmentation", "fused"),
}
USUAL = ("day", "night", "translator")


def _write_models(folder, roles=USUAL, labels=CITYSCAPES19, size=(48, 64)):
    for role in roles:
        kind, route = KINDS[role]
        write_bundle(
            folder / role,
            f"no network of {role}".encode(),
            name=role,
            kind=kind,
            route=route,
            height=size[0],
            width=size[1],
            labels=labels if kind == "segmentation" else None,
        )
    return folder


@pytest.fixture(scope="session")
def write_models():
    """Return the function that writes model folders for the fake engine."""
    return _write_models


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory):
    """Return a folder with a day, a night and a translator model for the fake engine."""
    return _write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def start(models_dir):
    """Return the function that starts a graph; all graphs end with the test."""
    from segmentation_graph import Graph

    graphs = []

    def start_graph(**parameters):
        graphs.append(Graph(**{"models_dir": models_dir, "engine": "fake", **parameters}))
        return graphs[-1]

    yield start_graph
    for graph in reversed(graphs):
        graph.close()
