# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which variables are set for large images, and when none are."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.share import share_folder
from nightseg_ros.ros import transport
from nightseg_ros.ros.transport import (
    apply_large_image_transport,
    large_image_settings,
    lost_images_remedy,
)

FROM_XML = "RMW_FASTRTPS_USE_QOS_FROM_XML"


@pytest.mark.parametrize(
    ("distro", "variable"),
    [
        ("humble", "FASTRTPS_DEFAULT_PROFILES_FILE"),
        ("jazzy", "FASTRTPS_DEFAULT_PROFILES_FILE"),
        ("kilted", "FASTDDS_DEFAULT_PROFILES_FILE"),
        ("rolling", "FASTDDS_DEFAULT_PROFILES_FILE"),
    ],
)
def test_the_profile_is_set_under_the_name_that_fast_dds_reads(distro, variable):
    env = {"ROS_DISTRO": distro}
    said = apply_large_image_transport(env)
    assert env.keys() == {"ROS_DISTRO", variable, FROM_XML}
    assert env[FROM_XML] == "1"
    assert Path(env[variable]).is_file()
    assert f"{variable}={env[variable]}" in said


def test_the_wheels_report_their_fast_dds(monkeypatch):
    wheels = {"ros-fastrtps": "2.14.5"}

    def version(name):
        if name not in wheels:
            raise transport.metadata.PackageNotFoundError(name)
        return wheels[name]

    monkeypatch.setattr(transport.metadata, "version", version)
    assert large_image_settings({}).keys() == {"FASTRTPS_DEFAULT_PROFILES_FILE", FROM_XML}
    wheels.clear()
    assert large_image_settings({}).keys() == {"FASTDDS_DEFAULT_PROFILES_FILE", FROM_XML}


@pytest.mark.parametrize(
    "chosen",
    [
        {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"},
        {"FASTDDS_DEFAULT_PROFILES_FILE": "/etc/mine.xml"},
        {"FASTRTPS_DEFAULT_PROFILES_FILE": "/etc/mine.xml"},
    ],
)
@pytest.mark.parametrize("mode", ["profile", "large_data"])
def test_what_the_user_has_set_stays(chosen, mode):
    env = dict(chosen)
    said = apply_large_image_transport(env, mode)
    assert env == chosen
    assert next(iter(chosen)) in said


def test_the_users_word_on_the_profile_of_topics_stays():
    assert FROM_XML not in large_image_settings({FROM_XML: "0"})


def test_other_middleware_and_off_are_left_alone():
    assert large_image_settings({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}) == {}
    assert large_image_settings({}, "off") == {}
    assert "rmw_fastrtps_cpp unchanged" in apply_large_image_transport({}, "off")


@pytest.mark.parametrize("distro", ["humble", "jazzy"])
def test_large_data_is_refused_where_fast_dds_is_too_old_for_it(distro):
    with pytest.raises(NightsegError, match=r"before ROS 2 Kilted .*; use 'profile'"):
        large_image_settings({"ROS_DISTRO": distro}, "large_data")


def test_large_data_is_refused_where_it_would_lose_images():
    with pytest.raises(NightsegError, match="RANGE=LOCALHOST; use 'profile'"):
        large_image_settings(
            {"ROS_DISTRO": "kilted", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, "large_data"
        )


def test_an_unknown_mode_is_refused():
    with pytest.raises(NightsegError, match="'big'; it must be one of profile, large_data, off"):
        large_image_settings({}, "big")


def test_the_profile_holds_a_full_hd_image_and_keeps_udp():
    names = {"d": "http://www.eprosima.com"}
    root = ElementTree.parse(share_folder("config") / "fastdds_large_images.xml").getroot()
    kinds = {
        node.findtext("d:type", namespaces=names): node
        for node in root.iterfind(".//d:transport_descriptor", names)
    }
    assert set(kinds) == {"SHM", "UDPv4"}
    largest = int(kinds["SHM"].findtext("d:maxMessageSize", namespaces=names))
    assert largest > 1920 * 1080 * 3
    assert int(kinds["SHM"].findtext("d:segment_size", namespaces=names)) >= 4 * largest


@pytest.mark.parametrize("end", ["data_writer", "data_reader"])
def test_the_profile_has_buffers_freed(end):
    names = {"d": "http://www.eprosima.com"}
    root = ElementTree.parse(share_folder("config") / "fastdds_large_images.xml").getroot()
    profile = root.find(f"d:{end}", names)
    assert profile.get("is_default_profile") == "true"
    # By its own default Fast DDS refuses what is larger than the bounded part of a message.
    assert profile.findtext("d:historyMemoryPolicy", namespaces=names) == "DYNAMIC"


@pytest.mark.parametrize(
    ("env", "remedy"),
    [
        ({"ROS_DISTRO": "jazzy"}, "FASTRTPS_DEFAULT_PROFILES_FILE=/"),
        ({"ROS_DISTRO": "kilted"}, "FASTDDS_DEFAULT_PROFILES_FILE=/"),
        ({"RMW_IMPLEMENTATION": "rmw_cyclonedds_cpp"}, "sysctl -w net.core.rmem_max="),
    ],
)
def test_lost_images_have_a_remedy_that_can_be_typed(env, remedy):
    assert remedy in lost_images_remedy(env)
