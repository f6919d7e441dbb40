# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Label sets of one's own: a YAML file with names, colours, and maps from and to other sets.

    name: park4
    classes:
      path: [128, 64, 128]
      grass: [107, 142, 35]
      person: [220, 20, 60]
      sky: [70, 130, 180]
    void: [9]                    # stored ids that mean unlabelled, besides 255
    from:                        # how labels of other sets are read as this one, class by class
      cityscapes19: {road: path, sidewalk: path, terrain: grass, person: person, sky: sky}
    to:                          # how this set is scored in another
      joint11: {path: road, grass: vegetation, sky: sky}

All but `name` and `classes` may be left out. Ids follow the order of the classes, of which there
may be 255. A list of names gets colours by number. JSON is read too, also the `config.json` of a
network of transformers, whose `id2label` names the classes. A folder of images and labels has such
a file as `classes.yaml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nightseg_ros.errors import NightsegError
from nightseg_ros.files.plain_yaml import read_plain_yaml
from nightseg_ros.labels.label_set import KNOWN, LabelSet, label_set

CLASSES_FILE = "classes.yaml"
"""The label file of a data folder."""
KEYS = ("name", "classes", "void", "from", "to")
FILES = (".yaml", ".yml", ".json")


def find_label_set(text: str) -> LabelSet:
    """Return the label set of this name, or the one that a file describes."""
    return read_label_file(Path(text)) if text.endswith(FILES) else label_set(text)


def read_label_file(path: Path) -> LabelSet:
    """Return the label set in a file, which from now on is known by its name."""
    data = _own_keys(path, read_plain_yaml(path))
    strange = sorted(set(data) - set(KEYS))
    if strange:
        raise NightsegError(f"{path}: key '{strange[0]}' is unknown; known: {', '.join(KEYS)}")
    try:
        found = LabelSet.from_dict(data)
        for other in (*found.sources, *found.targets):
            label_set(other)
    except NightsegError as error:
        raise NightsegError(f"{path}: {error}") from error
    if KNOWN.setdefault(found.name, found) != found:
        raise NightsegError(
            f"{path}: there is another label set '{found.name}'; give this one a name of its own"
        )
    KNOWN[found.name] = found  # its maps may have changed
    return found


def _own_keys(path: Path, data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` in the keys of this module, where it is the config.json of a network."""
    names = data.get("id2label")
    if not isinstance(names, dict):
        return data
    if missing := sorted({str(id) for id in range(len(names))} - {str(id) for id in names}):
        raise NightsegError(f"{path}: id2label has {len(names)} classes but no id {missing[0]}")
    by_id = {str(id): str(name).strip() for id, name in names.items()}
    return {"name": path.stem, "classes": [by_id[str(id)] for id in range(len(names))]}
