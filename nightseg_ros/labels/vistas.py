# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The classes of Mapillary Vistas v1.2 and v2.0 in order of ids, and their Cityscapes classes."""

from __future__ import annotations

VISTAS_12 = (
    "bird", "ground animal", "curb", "fence", "guard rail", "barrier", "wall", "bike lane",
    "crosswalk - plain", "curb cut", "parking", "pedestrian area", "rail track", "road",
    "service lane", "sidewalk", "bridge", "building", "tunnel", "person", "bicyclist",
    "motorcyclist", "other rider", "lane marking - crosswalk", "lane marking - general",
    "mountain", "sand", "sky", "snow", "terrain", "vegetation", "water", "banner", "bench",
    "bike rack", "billboard", "catch basin", "cctv camera", "fire hydrant", "junction box",
    "mailbox", "manhole", "phone booth", "pothole", "street light", "pole", "traffic sign frame",
    "utility pole", "traffic light", "traffic sign (back)", "traffic sign (front)", "trash can",
    "bicycle", "boat", "bus", "car", "caravan", "motorcycle", "on rails", "other vehicle",
    "trailer", "truck", "wheeled slow", "car mount", "ego vehicle", "unlabeled",
)  # fmt: skip

VISTAS_20 = (
    "bird", "ground animal", "ambiguous barrier", "concrete block", "curb", "fence", "guard rail",
    "barrier", "road median", "road side", "lane separator", "temporary barrier", "wall",
    "bike lane", "crosswalk - plain", "curb cut", "driveway", "parking", "parking aisle",
    "pedestrian area", "rail track", "road", "road shoulder", "service lane", "sidewalk",
    "traffic island", "bridge", "building", "garage", "tunnel", "person", "person group",
    "bicyclist", "motorcyclist", "other rider", "lane marking - dashed line",
    "lane marking - straight line", "lane marking - zigzag line", "lane marking - ambiguous",
    "lane marking - arrow (left)", "lane marking - arrow (other)", "lane marking - arrow (right)",
    "lane marking - arrow (split left or straight)",
    "lane marking - arrow (split right or straight)", "lane marking - arrow (straight)",
    "lane marking - crosswalk", "lane marking - give way (row)",
    "lane marking - give way (single)", "lane marking - hatched (chevron)",
    "lane marking - hatched (diagonal)", "lane marking - other", "lane marking - stop line",
    "lane marking - symbol (bicycle)", "lane marking - symbol (other)", "lane marking - text",
    "lane marking (only) - dashed line", "lane marking (only) - crosswalk",
    "lane marking (only) - other", "lane marking (only) - test", "mountain", "sand", "sky",
    "snow", "terrain", "vegetation", "water", "banner", "bench", "bike rack", "catch basin",
    "cctv camera", "fire hydrant", "junction box", "mailbox", "manhole", "parking meter",
    "phone booth", "pothole", "signage - advertisement", "signage - ambiguous", "signage - back",
    "signage - information", "signage - other", "signage - store", "street light", "pole",
    "pole group", "traffic sign frame", "utility pole", "traffic cone",
    "traffic light - general (single)", "traffic light - pedestrians",
    "traffic light - general (upright)", "traffic light - general (horizontal)",
    "traffic light - cyclists", "traffic light - other", "traffic sign - ambiguous",
    "traffic sign (back)", "traffic sign - direction (back)", "traffic sign - direction (front)",
    "traffic sign (front)", "traffic sign - parking", "traffic sign - temporary (back)",
    "traffic sign - temporary (front)", "trash can", "bicycle", "boat", "bus", "car", "caravan",
    "motorcycle", "on rails", "other vehicle", "trailer", "truck", "vehicle group",
    "wheeled slow", "water valve", "car mount", "dynamic", "ego vehicle", "ground", "static",
    "unlabeled",
)  # fmt: skip

_TO_19: dict[int, tuple[str, ...]] = {
    # Paint, covers and holes are part of their surface.
    0: (
        "road", "service lane", "road shoulder", "bike lane", "crosswalk - plain", "manhole",
        "catch basin", "pothole",
        *(name for name in (*VISTAS_12, *VISTAS_20) if name.startswith("lane marking")),
    ),
    1: ("sidewalk", "curb", "curb cut", "pedestrian area", "traffic island"),
    2: ("building", "garage"),
    3: ("wall",),
    4: ("fence",),
    5: ("pole", "pole group", "utility pole", "street light", "traffic sign frame"),
    6: ("traffic light", *(name for name in VISTAS_20 if name.startswith("traffic light -"))),
    # The backs of signs are not signs in Cityscapes: they stay unlabelled.
    7: (
        "traffic sign (front)", "traffic sign - direction (front)", "traffic sign - parking",
        "traffic sign - temporary (front)",
    ),
    8: ("vegetation",),
    9: ("terrain", "sand"),
    10: ("sky",),
    11: ("person", "person group"),
    12: ("bicyclist", "motorcyclist", "other rider"),
    13: ("car", "vehicle group"),
    14: ("truck",),
    15: ("bus",),
    16: ("on rails",),
    17: ("motorcycle",),
    18: ("bicycle",),
}  # fmt: skip

VISTAS_TO_19_BY_NAME = {name: id for id, names in _TO_19.items() for name in names}
"""Class name in either version -> id in cityscapes19. Classes that Cityscapes does not score
(parking, rail track, guard rail, bridge, tunnel, caravan, trailer, ...) are left out."""
