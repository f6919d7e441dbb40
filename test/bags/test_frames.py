# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which topics are cameras, and that each has a folder of its own, inside of the one for all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rosbags.rosbag2")
from hypothesis import given
from hypothesis import strategies as st

from nightseg_ros.bags.frames import (
    COMPRESSED,
    IMAGE,
    camera_name,
    camera_topics,
    names_camera,
)
from nightseg_ros.bags.source import Topic
from nightseg_ros.errors import NightsegError

CLOSE = ["/front/image", "/front_image", "/front__image", "/front/_image", "/front_/image"]
CLOSE += [
    "/front//image",
    "/front/image/",
    "front/image",
    "/front.image",
    "/front/image ",
    "/Front/image",
]
STRANGE = [
    "",
    "/",
    "..",
    "/..",
    "/../..",
    "/.",
    "/a/../..",
    "/\0",
    "/compressed",
    "/" + 300 * "x",
    "/ü",
]


def bag(**topics: str):
    kinds = {name: Topic(kind, 1) for name, kind in topics.items()}
    return SimpleNamespace(path="a.mcap", topics=kinds)


def test_names_that_are_close_stay_apart():
    assert len({camera_name(topic) for topic in [*CLOSE, *STRANGE]}) == len([*CLOSE, *STRANGE])
    assert camera_name("/front/image_raw") == "front__image_raw"
    assert camera_name("/front/image_raw/compressed") == "front__image_raw"


@given(st.text("ab_/. ", max_size=8), st.text("ab_/. ", max_size=8))
def test_no_two_topics_share_a_name(one: str, other: str):
    assert (camera_name(one) == camera_name(other)) == (one == other)


@given(st.text(max_size=300))
def test_a_name_is_one_folder_below_the_one_it_is_put_into(topic: str):
    name = camera_name(topic)
    assert (Path("out") / name).parts == ("out", name)
    assert name.isascii()
    assert name.isprintable()
    assert 0 < len(name) < 128
    assert not name.startswith(".")


def test_a_camera_is_found_by_its_topic_or_its_name():
    topic = "/front/image/compressed"
    for text in (topic, "/front/image", "front/image", "front/image/compressed", "front__image"):
        assert names_camera(text, topic)
    assert not names_camera("front_image", topic)


def test_raw_and_compressed_images_of_a_camera_are_not_taken_for_two():
    both = bag(**{"/a": IMAGE, "/a/compressed": COMPRESSED})
    assert camera_topics(both) == ["/a"]
    assert camera_topics(both, ["a", "/a", "/a/"]) == ["/a"]
    assert camera_topics(both, ["/a/compressed"]) == ["/a/compressed"]
    with pytest.raises(NightsegError, match="are one camera, raw and compressed"):
        camera_topics(both, ["/a/compressed", "/a"])
