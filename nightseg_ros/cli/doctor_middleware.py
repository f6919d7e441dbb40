# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks of the pitfalls of CycloneDDS and Zenoh, where one of them carries the images."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from nightseg_ros.cli.doctor_checks import FAIL, OK, WARN, Check, Finding
from nightseg_ros.ros.transport import rmw_in_use

CYCLONE, ZENOH = "rmw_cyclonedds_cpp", "rmw_zenoh_cpp"
RECEIVE_BUFFER = Path("/proc/sys/net/core/rmem_max")
ROUTER = ("localhost", 7447)
ROUTER_WAIT_S = 0.5

_SIZE = re.compile(
    r'SocketReceiveBufferSize[^>]*\bmin\s*=\s*"\s*(\d+)\s*([kMG]?)i?B"', re.IGNORECASE
)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LARGER = "sudo sysctl -w net.core.rmem_max=33554432"
_URI = (
    "export CYCLONEDDS_URI='<CycloneDDS><Domain><Internal><SocketReceiveBufferSize "
    'min="10MB"/></Internal></Domain></CycloneDDS>\''
)


def check_cyclone_dds() -> list[Finding]:
    """Check that a raw image fits into the receive buffer.

    CycloneDDS sends images in packets of UDP, on one machine too. Without a setting it asks for
    1 MB and takes what it gets; with one, it does not start where the system allows less.
    """
    if rmw_in_use(os.environ) != CYCLONE:
        return []
    uri = os.environ.get("CYCLONEDDS_URI", "")
    try:
        asked = _SIZE.search(_configuration(uri))
    except OSError as error:
        text = f"CYCLONEDDS_URI={uri} cannot be read ({error.strerror}): no node starts"
        return [Finding("transport", FAIL, text, f"name a file that is there, or {_URI}")]
    if asked is None:
        text = "CycloneDDS asks for a receive buffer of 1 MB: larger images may get lost"
        return [Finding("transport", WARN, text, f"{_LARGER}; {_URI}")]
    size = int(asked[1]) * _UNITS[asked[2].lower()]
    try:
        given = 2 * int(RECEIVE_BUFFER.read_text())  # Linux doubles what it allows
    except (OSError, ValueError):
        given = size
    text = f"CycloneDDS asks for a receive buffer of {size} bytes"
    if given < size:
        return [Finding("transport", FAIL, f"{text} and gets {given}: no node starts", _LARGER)]
    return [Finding("transport", OK, text)]


def _configuration(uri: str) -> str:
    """Return the XML that CYCLONEDDS_URI holds or names: pieces and files, by commas."""
    if uri.lstrip().startswith("<"):
        return uri
    files = [part.removeprefix("file://") for part in uri.split(",") if part.strip()]
    return "".join(Path(file).read_text(encoding="utf-8", errors="replace") for file in files)


def check_zenoh() -> list[Finding]:
    """Check that the nodes will find each other: by a router, unless it is configured otherwise."""
    if rmw_in_use(os.environ) != ZENOH:
        return []
    override, file = (
        os.environ.get(f"ZENOH_{name}", "") for name in ("CONFIG_OVERRIDE", "SESSION_CONFIG_URI")
    )
    if file and not Path(file).is_file():
        text = f"ZENOH_SESSION_CONFIG_URI={file}, but there is no such file: no node starts"
        return [Finding("transport", FAIL, text, "unset ZENOH_SESSION_CONFIG_URI, or write it")]
    if file or any(key in override for key in ("connect/endpoints", "multicast/enabled=true")):
        text = f"Zenoh finds other nodes as configured: {override or file}; it was not tried"
        return [Finding("transport", OK, text)]
    where = f"tcp/{ROUTER[0]}:{ROUTER[1]}"
    try:
        socket.create_connection(ROUTER, ROUTER_WAIT_S).close()
    except OSError:
        text = f"no Zenoh router answers at {where}: nodes do not find each other"
        if os.environ.get("ZENOH_ROUTER_CHECK_ATTEMPTS", "").strip() == "0":
            text += ", and wait for it for ever (ZENOH_ROUTER_CHECK_ATTEMPTS=0)"
        remedy = (
            "ros2 run rmw_zenoh_cpp rmw_zenohd, or without a router: "
            "export ZENOH_CONFIG_OVERRIDE='scouting/multicast/enabled=true'"
        )
        return [Finding("transport", WARN, text, remedy)]
    return [Finding("transport", OK, f"a router answers at {where}, where Zenoh looks for one")]


MIDDLEWARE_CHECKS: tuple[Check, ...] = (check_cyclone_dds, check_zenoh)
