# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tables of label_set.py: the classes of every set, and the maps between sets."""

from __future__ import annotations

from collections.abc import Sequence

from nightseg_ros.labels.public_sets import (
    ADE20K150,
    COCO_STUFF,
    PUBLIC_TO_19_BY_NAME,
    VOC21,
)
from nightseg_ros.labels.vistas import VISTAS_12, VISTAS_20, VISTAS_TO_19_BY_NAME

Color = tuple[int, int, int]

_CITYSCAPES19: list[tuple[str, Color]] = [
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("building", (70, 70, 70)),
    ("wall", (102, 102, 156)),
    ("fence", (190, 153, 153)),
    ("pole", (153, 153, 153)),
    ("traffic light", (250, 170, 30)),
    ("traffic sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("terrain", (152, 251, 152)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("rider", (255, 0, 0)),
    ("car", (0, 0, 142)),
    ("truck", (0, 0, 70)),
    ("bus", (0, 60, 100)),
    ("train", (0, 80, 100)),
    ("motorcycle", (0, 0, 230)),
    ("bicycle", (119, 11, 32)),
]

_JOINT11: list[tuple[str, Color]] = [
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("building", (70, 70, 70)),
    ("fence", (190, 153, 153)),
    ("pole", (153, 153, 153)),
    ("sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("vehicle", (0, 0, 142)),
    ("bicycle", (119, 11, 32)),
]

_CAMVID11: list[tuple[str, Color]] = [
    ("sky", (128, 128, 128)),
    ("building", (128, 0, 0)),
    ("pole", (192, 192, 128)),
    ("road", (128, 64, 128)),
    ("pavement", (60, 40, 222)),
    ("tree", (128, 128, 0)),
    ("signsymbol", (192, 128, 128)),
    ("fence", (64, 64, 128)),
    ("car", (64, 0, 128)),
    ("pedestrian", (64, 64, 0)),
    ("bicyclist", (0, 128, 192)),
]

_CITYSCAPES_IDS = (
    "unlabeled", "ego vehicle", "rectification border", "out of roi", "static", "dynamic",
    "ground", "road", "sidewalk", "parking", "rail track", "building", "wall", "fence",
    "guard rail", "bridge", "tunnel", "pole", "polegroup", "traffic light", "traffic sign",
    "vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "caravan",
    "trailer", "train", "motorcycle", "bicycle",
)  # fmt: skip

_DRIVABLE: list[tuple[str, Color]] = [("not drivable", (60, 60, 60)), ("drivable", (128, 64, 128))]

_DIRECT, _ALTERNATIVE = ("direct", (128, 64, 128)), ("alternative", (244, 35, 232))
_BACKGROUND = ("background", (60, 60, 60))


_IDD7 = ("drivable", "non-drivable", "living things", "vehicles", "roadside objects",
         "far objects", "sky")  # fmt: skip
_COMMA5 = ("road", "lane marking", "undrivable", "movable", "own car")

GROUPS: dict[str, tuple[int, ...]] = {
    "sidewalk or terrain": (1, 9),
    "person or rider": (11, 12),
    "any vehicle": (13, 14, 15, 16, 17, 18),
    "any roadside object": (3, 4, 5, 6, 7),
    "building or vegetation": (2, 8),
    "anything but road": tuple(range(1, 19)),
    "anything that moves": (11, 12, 13, 14, 15, 17, 18),
}
"""Groups of Cityscapes classes, the classes of coarser sets: a pixel shows one of its group."""
_FIRST_GROUP = len(_CITYSCAPES19)
_GROUP_IDS = {name: _FIRST_GROUP + place for place, name in enumerate(GROUPS)}


def numbered(names: Sequence[str], first: int = 1) -> list[tuple[str, Color]]:
    """Return colours by number, from `first` on, for classes that no convention colours.

    The bits of the number are distributed to red, green and blue from the top, so that neighbours
    differ and only 0 is black: the colour map of Pascal VOC, whose own set starts at 0.
    """
    rows: list[tuple[str, Color]] = []
    for number, name in enumerate(names, first):
        bits = [number >> bit & 1 for bit in range(8)]
        red, green, blue = (
            sum(bits[bit] << (7 - bit // 3) for bit in range(channel, 8, 3)) for channel in range(3)
        )
        rows.append((name, (red, green, blue)))
    return rows


SETS: dict[str, list[tuple[str, Color]]] = {
    "cityscapes19": _CITYSCAPES19,
    "joint11": _JOINT11,
    "camvid11": _CAMVID11,
    "cityscapes_ids": numbered(_CITYSCAPES_IDS),
    "vistas_v1.2": numbered(VISTAS_12),
    "vistas_v2.0": numbered(VISTAS_20),
    "cityscapes19_groups": numbered((*(name for name, _ in _CITYSCAPES19), *GROUPS)),
    "idd7": numbered(_IDD7),
    "comma5": numbered(_COMMA5),
    "drivable": _DRIVABLE,
    "bdd_drivable": [_DIRECT, _ALTERNATIVE, _BACKGROUND],
    "bdd_drivable_maps": [_BACKGROUND, _DIRECT, _ALTERNATIVE],
    "ade20k150": numbered(ADE20K150),
    "coco-stuff": numbered(COCO_STUFF),
    "voc21": numbered(VOC21, 0),
}
"""Every label set by name. Training reads `cityscapes19_groups`: the classes of Cityscapes and,
after them, the groups that coarser sets label. The two `bdd_drivable` sets are the releases of 2020
and of 2018, which number the same three classes differently. `coco-stuff`
numbers the 171 classes that are labelled, without the 11 unused ids among its 182."""

# CamVid merges rider and bicycle into one class, unlike all other sets: it is left out.
_CAMVID_TO_19 = {0: 10, 1: 2, 2: 5, 3: 0, 4: 1, 5: 8, 6: 7, 7: 4, 8: 13, 9: 11}

_CITYSCAPES_IDS_TO_19 = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12,
    26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18,
}  # fmt: skip

_19_TO_JOINT11 = {
    0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 5, 7: 5, 8: 6, 9: 6, 10: 7, 11: 8, 12: 8, 13: 9,
    14: 9, 15: 9, 16: 9, 17: 10, 18: 10,
}  # fmt: skip


def _by_name(names: tuple[str, ...], targets: dict[str, int]) -> dict[int, int]:
    return {id: targets[name] for id, name in enumerate(names) if name in targets}


MAPS: dict[tuple[str, str], dict[int, int]] = {
    ("cityscapes_ids", "cityscapes19"): _CITYSCAPES_IDS_TO_19,
    ("camvid11", "cityscapes19"): _CAMVID_TO_19,
    ("vistas_v1.2", "cityscapes19"): _by_name(VISTAS_12, VISTAS_TO_19_BY_NAME),
    ("vistas_v2.0", "cityscapes19"): _by_name(VISTAS_20, VISTAS_TO_19_BY_NAME),
    ("ade20k150", "cityscapes19"): _by_name(ADE20K150, PUBLIC_TO_19_BY_NAME),
    ("coco-stuff", "cityscapes19"): _by_name(COCO_STUFF, PUBLIC_TO_19_BY_NAME),
    ("voc21", "cityscapes19"): _by_name(VOC21, PUBLIC_TO_19_BY_NAME),
    ("cityscapes19", "joint11"): _19_TO_JOINT11,
    ("cityscapes19", "cityscapes19_groups"): {id: id for id in range(_FIRST_GROUP)},
    ("idd7", "cityscapes19_groups"): {
        0: 0,
        1: _GROUP_IDS["sidewalk or terrain"],
        2: _GROUP_IDS["person or rider"],
        3: _GROUP_IDS["any vehicle"],
        4: _GROUP_IDS["any roadside object"],
        5: _GROUP_IDS["building or vegetation"],
        6: 10,
    },
    ("comma5", "cityscapes19_groups"): {
        0: 0,
        1: 0,
        2: _GROUP_IDS["anything but road"],
        3: _GROUP_IDS["anything that moves"],
    },
    ("drivable", "cityscapes19_groups"): {1: 0},  # not drivable may still be road
    ("bdd_drivable", "drivable"): {0: 1, 1: 1, 2: 0},
    ("bdd_drivable_maps", "drivable"): {0: 0, 1: 1, 2: 1},
}
"""Sets without an entry are connected by the shortest chain of entries."""
