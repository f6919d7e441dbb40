# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model folder: model.onnx and the model.yaml that says what it is, trusted only when checked."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nightseg_ros import routes
from nightseg_ros.errors import NightsegError
from nightseg_ros.label_maps import SETS
from nightseg_ros.labels import LabelSet, label_set
from nightseg_ros.onnx_weights import has_outside_weights
from nightseg_ros.plain_yaml import read_plain_yaml
from nightseg_ros.share import share_folder
from nightseg_ros.signature import check_signature

FORMAT = 1
SEGMENTATION, TRANSLATION = "segmentation", "translation"
OUTPUTS = {SEGMENTATION: ("mask", "confidence"), TRANSLATION: ("translated",)}
ROUTES = {
    SEGMENTATION: tuple(route for route in routes.ROUTES if route != routes.TRANSLATE),
    TRANSLATION: (routes.TRANSLATE,),
}

YAML_FILE, ONNX_FILE, CARD_FILE = "model.yaml", "model.onnx", "README.md"
MAX_ONNX_BYTES = 1 << 30
SIDES = range(8, 8193)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Bundle:
    """One model that can be run, as its model.yaml describes it."""

    path: Path
    name: str
    kind: str
    route: str
    onnx_path: Path
    sha256: str
    height: int
    width: int
    labels: LabelSet | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the graph's outputs."""
        return OUTPUTS[self.kind]

    @property
    def role(self) -> str:
        """The key of this model among the engines of a pipeline."""
        return "translator" if self.kind == TRANSLATION else self.route

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], verify: bool = True, public_key: str = ""
    ) -> Bundle:
        """Read and check the model.yaml in `folder`, and with `verify` the hash of its network.

        With the public key of minisign the model.yaml must be signed by its owner.
        """
        path = Path(folder)
        file = path / YAML_FILE

        def signed(content: bytes) -> None:
            if public_key:
                check_signature(file, content, public_key)

        try:
            bundle = bundle_from(path, read_plain_yaml(file, signed))
        except NightsegError as error:
            raise NightsegError(f"bundle {path}: {error}") from error
        if verify:
            bundle.read_model()
        return bundle

    def read_model(self) -> bytes:
        """Return the network's bytes after checking that they are the ones that were described.

        Engines build from these bytes, so what was hashed is what runs.
        """
        try:
            size = self.onnx_path.stat().st_size
            if not 0 < size <= MAX_ONNX_BYTES:
                raise NightsegError(
                    f"bundle {self.path}: {self.onnx_path.name} has {size} bytes, need 1 to "
                    f"{MAX_ONNX_BYTES}; export or copy the bundle again"
                )
            data = self.onnx_path.read_bytes()
        except OSError as error:
            raise NightsegError(
                f"bundle {self.path}: cannot read {self.onnx_path.name} ({error.strerror}); "
                "copy the whole folder again"
            ) from error
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise NightsegError(
                f"bundle {self.path}: sha256 of {self.onnx_path.name} is {found[:12]}..., "
                f"model.yaml says {self.sha256[:12]}...: the file is damaged, changed, or a "
                "Git LFS pointer; copy or export the bundle again"
            )
        if has_outside_weights(data):
            raise NightsegError(
                f"bundle {self.path}: {self.onnx_path.name} keeps weights in another file, which "
                "its sha256 does not cover; export it with all weights inside"
            )
        return data

    def to_dict(self) -> dict[str, Any]:
        """Return the content of model.yaml."""
        data: dict[str, Any] = {
            "format": FORMAT,
            "name": self.name,
            "kind": self.kind,
            "route": self.route,
            "file": self.onnx_path.name,
            "sha256": self.sha256,
            "input": {"height": self.height, "width": self.width},
            "outputs": list(self.outputs),
        }
        if self.labels is not None:
            data["labels"] = self.labels.to_dict()
        data["metrics"] = dict(self.metrics)
        data["training"] = dict(self.training)
        data["licence"] = self.licence
        return data


def find_bundles(models_dir: str | os.PathLike[str]) -> list[Path]:
    """Return the folders in `models_dir` that hold a model.yaml, in the order of their names."""
    try:
        return sorted(path.parent for path in Path(models_dir).glob(f"*/{YAML_FILE}"))
    except OSError as error:
        raise NightsegError(
            f"cannot list the models folder {models_dir} ({error.strerror}); name a readable one"
        ) from error


def default_models_dir() -> Path:
    """Return the models folder of this installation, or the one NIGHTSEG_MODELS names."""
    named = os.environ.get("NIGHTSEG_MODELS")
    return Path(named).expanduser() if named else share_folder("models")


def bundle_from(folder: Path, data: Mapping[str, Any]) -> Bundle:
    """Check every field; the caller puts the folder before the message."""
    if data.get("format") != FORMAT:
        raise NightsegError(
            f"format is {data.get('format')!r}, this version reads {FORMAT}; "
            "install the nightseg_ros that wrote it, or export it again"
        )
    name, kind, route = (_text(data, key) for key in ("name", "kind", "route"))
    if not _NAME.fullmatch(name):
        raise NightsegError(f"name is {name!r}; use up to 64 letters, digits, '_', '.' or '-'")
    if kind not in OUTPUTS:
        raise NightsegError(f"kind is '{kind}', need {' or '.join(OUTPUTS)}")
    if route not in ROUTES[kind]:
        raise NightsegError(f"route is '{route}', a {kind} has {' or '.join(ROUTES[kind])}")
    sha256 = _text(data, "sha256")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise NightsegError(f"sha256 is {sha256[:80]!r}, need 64 hexadecimal digits")
    if data.get("outputs") != list(OUTPUTS[kind]):
        raise NightsegError(f"outputs are {data.get('outputs')!r}, need {list(OUTPUTS[kind])}")
    size = _mapping(data, "input")
    return Bundle(
        path=folder,
        name=name,
        kind=kind,
        route=route,
        onnx_path=_inside(folder, _text(data, "file")),
        sha256=sha256,
        height=_side(size, "height"),
        width=_side(size, "width"),
        labels=_labels(kind, data),
        metrics=_mapping(data, "metrics"),
        training=_mapping(data, "training"),
        licence=str(data.get("licence") or ""),
    )


def _inside(folder: Path, file: str) -> Path:
    """Return the path of `file`, refusing every way out of the folder.

    The folder is where model.yaml really lies: an installation made of symbolic links (colcon
    with --symlink-install) links both files to the same source folder, and that is fine.
    """
    if Path(file).name != file or file in ("", ".", "..") or "\\" in file or "\0" in file:
        raise NightsegError(f"file is {file!r}, need the name of a file in the same folder")
    path = folder / file
    if path.exists() and path.resolve().parent != (folder / YAML_FILE).resolve().parent:
        raise NightsegError(f"{file} is a link to {path.resolve()}; copy the file itself here")
    return path


def _labels(kind: str, data: Mapping[str, Any]) -> LabelSet | None:
    if kind == TRANSLATION:
        return None
    labels = LabelSet.from_dict(_mapping(data, "labels"))
    if labels.name in SETS and labels.names != label_set(labels.name).names:
        # Evaluation maps ids by the name of the set, so a borrowed name would score nonsense.
        raise NightsegError(
            f"labels are called {labels.name} but their classes are not those of that set; "
            "give the set a name of its own"
        )
    return labels


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise NightsegError(f"{key} is {value!r}, need a text")
    return value


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise NightsegError(f"{key} is {value!r}, need a mapping")
    return value


def _side(size: Mapping[str, Any], key: str) -> int:
    value = size.get(key)
    if not isinstance(value, int) or value not in SIDES:
        raise NightsegError(f"input {key} is {value!r}, need {SIDES.start} to {SIDES.stop - 1}")
    return value
