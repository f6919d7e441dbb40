# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Models for the fake engine, and a real ROS graph round the segmentation node."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from support import fake_models


@pytest.fixture(scope="session")
def write_models():
    """Return the function that writes model folders for the fake engine."""
    return fake_models.write_models


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory):
    """Return a folder with a day, a night and a translator model for the fake engine."""
    return fake_models.write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture
def start(models_dir):
    """Return the function that starts a graph; all graphs end with the test."""
    from support.segmentation_graph import Graph

    graphs = []

    def start_graph(**parameters):
        graphs.append(Graph(**{"models_dir": models_dir, "engine": "fake", **parameters}))
        return graphs[-1]

    yield start_graph
    for graph in reversed(graphs):
        graph.close()


@pytest.fixture(scope="session")
def message_folder(request):
    """Return the folder of the message packages that are not installed; built once for all runs."""
    import hashlib
    import sys

    import rclpy
    from support import message_package

    missing = [name for name in message_package.TEXTS if find_spec(name) is None]
    if missing and (reason := message_package.why_not()):
        pytest.skip(f"{', '.join(missing)} is not installed and cannot be built: {reason}")
    key = hashlib.sha256(
        repr((message_package.TEXTS, rclpy.__file__, sys.version)).encode()
    ).hexdigest()
    folder = request.config.cache.mkdir(f"messages-{key[:12]}")
    for name in missing:
        if not (folder / f"{name}.done").exists():
            message_package.build(name, folder)
            (folder / f"{name}.done").touch()
    sys.path.append(str(folder / "import"))
    yield folder
    sys.path.remove(str(folder / "import"))


@pytest.fixture
def messages(message_folder, monkeypatch):
    """Let the node have vision_msgs and tf2_msgs, as where they are installed."""
    from tf2_msgs.msg import TFMessage
    from vision_msgs.msg import LabelInfo, VisionClass

    from nightseg_ros.ros import label_topics, transforms

    monkeypatch.setattr(label_topics, "LabelInfo", LabelInfo)
    monkeypatch.setattr(label_topics, "VisionClass", VisionClass)
    monkeypatch.setattr(transforms, "TFMessage", TFMessage)
