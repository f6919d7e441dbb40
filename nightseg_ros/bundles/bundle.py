# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model folder: model.onnx and the model.yaml that describes it, checked before use."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nightseg_ros.bundles.calibration import Calibration
from nightseg_ros.bundles.domain import Domain
from nightseg_ros.bundles.onnx_file import has_external_weights
from nightseg_ros.bundles.routes import FUSED, ROUTES, TRANSLATE
from nightseg_ros.bundles.signature import check_signature
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.plain_yaml import read_plain_yaml
from nightseg_ros.files.regular import require_regular
from nightseg_ros.labels.label_set import KNOWN, LabelSet
from nightseg_ros.labels.lookup import lookup

FORMAT = 1
SEGMENTATION, TRANSLATION = "segmentation", "translation"
OUTPUTS = {SEGMENTATION: ("mask", "confidence"), TRANSLATION: ("translated",)}
ROUTES_OF_KIND = {
    SEGMENTATION: tuple(route for route in ROUTES if route != TRANSLATE),
    TRANSLATION: (TRANSLATE,),
}

IMPORTED = "imported"
"""Key in `training` of a model that was trained elsewhere: what is known of its origin."""

YAML_FILE, ONNX_FILE, CARD_FILE = "model.yaml", "model.onnx", "README.md"
MAX_ONNX_BYTES = 1 << 30
SIDES = range(8, 8193)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Bundle:
    """One model, as described by its model.yaml."""

    path: Path
    name: str
    kind: str
    route: str
    onnx_path: Path
    sha256: str
    height: int
    width: int
    labels: LabelSet | None = None
    labels_as: LabelSet | None = None
    """Another label set that its masks are asked for in; no part of model.yaml."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""
    also: tuple[str, ...] = ()
    """Further routes that the model serves."""
    calibration: Calibration | None = None
    domain: Domain | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the graph's outputs."""
        return OUTPUTS[self.kind]

    @property
    def mask_labels(self) -> LabelSet | None:
        """The label set of the masks that its engine returns."""
        return self.labels_as or self.labels

    @property
    def role(self) -> str:
        """The key of this model's engine in a pipeline."""
        return "translator" if self.kind == TRANSLATION else self.route

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that this model can have."""
        return (self.role, *self.also)

    def serving(self, role: str) -> Bundle:
        """Return this model in another of its roles."""
        return self if role == self.role else replace(self, route=role, also=())

    @classmethod
    def load(
        cls, folder: str | os.PathLike[str], verify: bool = True, public_key: str = ""
    ) -> Bundle:
        """Read and check the model.yaml in `folder`, and with `verify` the hash of its network.

        With a minisign public key, model.yaml must have a valid signature.
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
        """Return the network's bytes after checking their hash.

        Engines are built from these bytes, so what was hashed is what runs.
        """
        try:
            require_regular(self.onnx_path)
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
        if has_external_weights(data):
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
            **({"also": list(self.also)} if self.also else {}),
            "file": self.onnx_path.name,
            "sha256": self.sha256,
            "input": {"height": self.height, "width": self.width},
            "outputs": list(self.outputs),
        }
        if self.labels is not None:
            data["labels"] = self.labels.to_dict()
        if self.calibration is not None:
            data["calibration"] = self.calibration.to_dict()
        if self.domain is not None:
            data["domain"] = self.domain.to_dict()
        data["metrics"] = dict(self.metrics)
        data["training"] = dict(self.training)
        data["licence"] = self.licence
        return data


def calibrations(bundles: Mapping[str, Bundle]) -> dict[str, Calibration]:
    """Return the calibrations of the models that have one, by role, for the masks they return."""
    found = {}
    for role, bundle in bundles.items():
        if bundle.calibration is None:
            continue
        found[role] = bundle.calibration
        if bundle.labels is not None and bundle.labels_as is not None:
            becomes = lookup(bundle.labels, bundle.labels_as).tolist()
            found[role] = bundle.calibration.relabelled(becomes, bundle.labels_as.count)
    return found


def domains(bundles: Mapping[str, Bundle]) -> dict[str, Domain]:
    """Return what the models know of frames, by role, for those that store it."""
    return {role: bundle.domain for role, bundle in bundles.items() if bundle.domain is not None}


def bundle_from(folder: Path, data: Mapping[str, Any]) -> Bundle:
    """Check every field; the caller adds the folder to the message."""
    if data.get("format") != FORMAT:
        raise NightsegError(
            f"format is {data.get('format')!r}, this version reads {FORMAT}; "
            "install the version of nightseg_ros that wrote it, or export it again"
        )
    name, kind, route = (_text(data, key) for key in ("name", "kind", "route"))
    if not _NAME.fullmatch(name):
        raise NightsegError(f"name is {name!r}; use up to 64 letters, digits, '_', '.' or '-'")
    if kind not in OUTPUTS:
        raise NightsegError(f"kind is '{kind}', need {' or '.join(OUTPUTS)}")
    if route not in ROUTES_OF_KIND[kind]:
        raise NightsegError(f"route is '{route}', a {kind} has {' or '.join(ROUTES_OF_KIND[kind])}")
    sha256 = _text(data, "sha256")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise NightsegError(f"sha256 is {sha256[:80]!r}, need 64 hexadecimal digits")
    if data.get("outputs") != list(OUTPUTS[kind]):
        raise NightsegError(f"outputs are {data.get('outputs')!r}, need {list(OUTPUTS[kind])}")
    size = _mapping(data, "input")
    labels = _labels(kind, data)
    return Bundle(
        path=folder,
        name=name,
        kind=kind,
        route=route,
        onnx_path=_inside(folder, _text(data, "file")),
        sha256=sha256,
        height=_side(size, "height"),
        width=_side(size, "width"),
        labels=labels,
        metrics=_mapping(data, "metrics"),
        training=_mapping(data, "training"),
        licence=str(data.get("licence") or ""),
        also=_also(kind, route, data.get("also") or []),
        calibration=_calibration(labels, data),
        domain=Domain.from_dict(domain) if (domain := _mapping(data, "domain")) else None,
    )


def _also(kind: str, route: str, also: object) -> tuple[str, ...]:
    """Return the further routes of a model."""
    allowed = [other for other in ROUTES_OF_KIND[kind] if other not in (route, FUSED)]
    if not isinstance(also, list) or not set(map(str, also)) <= set(allowed):
        raise NightsegError(
            f"also is {also!r}, need a list of {' and '.join(allowed) or 'nothing'}"
        )
    return tuple(dict.fromkeys(also))


def _inside(folder: Path, file: str) -> Path:
    """Return the path of `file`, and refuse every path outside the folder.

    The folder is the real one of model.yaml: an installation of symbolic links (colcon with
    --symlink-install) links both files to the same source folder, which is allowed.
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
    if labels.name in KNOWN and labels.names != KNOWN[labels.name].names:
        # Evaluation maps ids by the name of the set, so a wrong name would give meaningless scores.
        raise NightsegError(
            f"labels are named {labels.name} but have other classes than that set; "
            "give the set a name of its own"
        )
    return labels


def _calibration(labels: LabelSet | None, data: Mapping[str, Any]) -> Calibration | None:
    content = _mapping(data, "calibration")
    if not content:
        return None
    if labels is None:
        raise NightsegError("there is a calibration, but only a segmentation model has confidences")
    return Calibration.from_dict(content, labels.count)


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
