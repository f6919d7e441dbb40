# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The train ids of the drive, by name from the Cityscapes label set."""

from __future__ import annotations

from nightseg_ros.labels.label_set import CITYSCAPES19, IGNORE

_ID = {label.name: label.id for label in CITYSCAPES19.labels}

ROAD = _ID["road"]
SIDEWALK = _ID["sidewalk"]
BUILDING = _ID["building"]
WALL = _ID["wall"]
FENCE = _ID["fence"]
POLE = _ID["pole"]
TRAFFIC_LIGHT = _ID["traffic light"]
TRAFFIC_SIGN = _ID["traffic sign"]
VEGETATION = _ID["vegetation"]
TERRAIN = _ID["terrain"]
SKY = _ID["sky"]
PERSON = _ID["person"]
RIDER = _ID["rider"]
CAR = _ID["car"]
TRUCK = _ID["truck"]
BUS = _ID["bus"]
MOTORCYCLE = _ID["motorcycle"]
BICYCLE = _ID["bicycle"]
UNLABELLED = IGNORE
"""Tunnel lining and litter bins, which have no Cityscapes train id."""
