# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the nodes take from rclpy is in every supported ROS distribution, as rclpy_api.yaml has it.

So a call that Humble or Lyrical lacks fails here, whichever of them is installed.
"""

from __future__ import annotations

import inspect
from importlib import import_module, metadata
from pathlib import Path

import pytest
import yaml
from support.rclpy_uses import own_names, signature, uses, written

PACKAGE = Path(__file__).resolve().parents[2] / "nightseg_ros"
STORED = yaml.safe_load(Path(__file__).with_name("rclpy_api.yaml").read_text(encoding="utf-8"))
VERSIONS, API = STORED["versions"], STORED["api"]
NAMES = frozenset(API)
DISTROS = list(VERSIONS)
TEXTS = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
OWN = frozenset(own_names(TEXTS.values()))
SOURCES = {x.name: text for x, text in TEXTS.items() if x.parent.name == "ros" and "rclpy" in text}


def api_of(distro):
    """Return the parameters of all names in a distribution."""
    earlier = DISTROS[: DISTROS.index(distro) + 1]
    return {
        name: [it[x] for x in earlier if x in it][-1] if isinstance(it, dict) else it
        for name, it in API.items()
    }


def faults(source, distro, own=frozenset()):
    api = api_of(distro)
    return [fault for use in uses(source, NAMES, own) if (fault := use.fault(api))]


@pytest.mark.parametrize("distro", DISTROS)
def test_every_use_fits_every_distribution(distro):
    found = {name: faults(source, distro, OWN) for name, source in SOURCES.items()}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_every_stored_name_is_used():
    used = {
        name for text in SOURCES.values() for use in uses(text, NAMES, OWN) for name in use.names
    }
    assert NAMES - used == set()


@pytest.mark.parametrize("distro", DISTROS)
def test_topics_take_events_and_overrides(distro):
    """`_with_events` of qos.py adds them to a partial call, which syntax does not show."""
    api, more = api_of(distro), {"event_callbacks": 0, "qos_overriding_options": 0}
    signature(api["rclpy.node.Node.create_subscription"]).bind(*range(4), **more)
    create = api["rclpy.lifecycle.LifecycleNode.create_lifecycle_publisher"]
    signature(create).bind(*range(3), **more)


NODE = "from rclpy.node import Node\n"


@pytest.mark.parametrize(
    ("source", "distros"),
    [
        ("node.create_timer(1.0, f, autostart=False)", {"humble"}),
        ("node.create_subscription(T, 't', f, 1, content_filter_options=x)", {"humble", "jazzy"}),
        ("node.create_timer(1.0)", {*DISTROS}),
        ("partial(node.create_timer, 1.0, autostart=True)", {"humble"}),
        ("self._node.get_other()", {*DISTROS}),
        ("self._node.get_clock().then()", {*DISTROS}),
        ("import rclpy\nrclpy.shutdown()", {*DISTROS}),
        ("import rclpy\nrclpy.init([])", {*DISTROS}),
        ("from rclpy.clock import Clock\nClock(kind=1)", {*DISTROS}),
        ("from rclpy.clock import Clock\nClock(clock_type=1)", set()),
        ("from rclpy.event_handler import PublisherEventCallbacks", {"humble"}),
        ("from rclpy.qos_event import PublisherEventCallbacks", {"lyrical"}),
        ("from rclpy.qos import DurabilityPolicy as D\nx = D.VOLATILE", set()),
        ("from rclpy.qos import DurabilityPolicy as D\nx = D.BEST", {*DISTROS}),
        ("import rclpy.qos\nx = rclpy.qos.DurabilityPolicy.BEST", {*DISTROS}),
        (NODE + "class N(Node):\n def __init__(self): super().__init__()", {*DISTROS}),
        (NODE + "class N(Node):\n def __init__(self): super().__init__('n', **x)", set()),
        (NODE + "class N(Node):\n def destroy_node(self, how): pass", {*DISTROS}),
        (NODE + "class N(Node):\n def on_error(self): pass", {*DISTROS}),
        (NODE + "class N(Node):\n def on_error(self, state, *, more=0): pass", set()),
    ],
)
def test_what_does_not_fit_is_found(source, distros):
    assert {distro for distro in DISTROS if faults(source, distro)} == distros


@pytest.mark.ros
@pytest.mark.filterwarnings("ignore:importing 'qos_event' is deprecated")
def test_installed_rclpy_is_as_stored():
    pytest.importorskip("rclpy", reason="needs rclpy")
    major = int(metadata.version("rclpy").split(".")[0])
    distro = [x for x, version in VERSIONS.items() if int(version.split(".")[0]) <= major][-1]
    stored = {name: text for name, text in api_of(distro).items() if text is not None}
    assert {name: installed(name, text) for name, text in stored.items()} == stored


def installed(name, stored):
    """Return what is installed in the words of rclpy_api.yaml."""
    owner, found = None, None
    parts = name.split(".")
    for depth, part in enumerate(parts):
        try:
            owner, found = found, import_module(".".join(parts[: depth + 1]))
        except ImportError:
            owner, found = found, getattr(found, part, None)
    if found is None:
        return "is not there"
    if stored == "value":
        return stored
    parameters = inspect.signature(found).parameters.values()
    bound = inspect.isclass(owner) and inspect.isfunction(found)  # its first is `self`
    return written(inspect.Signature([*parameters][bound:]))
