# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writes a model folder completely or not at all, and verifies it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from nightseg_ros.bundles.bundle import (
    CARD_FILE,
    ONNX_FILE,
    OUTPUTS,
    YAML_FILE,
    Bundle,
    bundle_from,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import sweep, write_all_atomically
from nightseg_ros.files.plain_yaml import plain_mapping

if TYPE_CHECKING:
    from nightseg_ros.labels.label_set import LabelSet


def write_bundle(
    folder: str | os.PathLike[str],
    onnx: bytes,
    *,
    name: str,
    kind: str,
    route: str,
    height: int,
    width: int,
    labels: LabelSet | None = None,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    licence: str = "",
    also: tuple[str, ...] = (),
    card: str = "",
) -> Bundle:
    """Write a model folder and return its bundle, read back and verified."""
    path = Path(folder)
    draft = Bundle(
        path=path,
        name=name,
        kind=kind,
        route=route,
        onnx_path=path / ONNX_FILE,
        sha256=hashlib.sha256(onnx).hexdigest(),
        height=height,
        width=width,
        labels=labels,
        metrics=metrics or {},
        training=training or {},
        licence=licence,
        also=also,
    )
    if kind not in OUTPUTS:
        raise NightsegError(f"bundle {path}: kind is '{kind}', need {' or '.join(OUTPUTS)}")
    return _write(draft, onnx, card or f"# {name}\n")


def rewrite_bundle(bundle: Bundle, card: str, **changes: Any) -> Bundle:
    """Write a bundle again with this card and other fields; its network stays as it is."""
    draft = replace(bundle, onnx_path=bundle.path / ONNX_FILE, **changes)
    return _write(draft, bundle.read_model(), card)


def _write(draft: Bundle, onnx: bytes, card: str) -> Bundle:
    """Write the files of a bundle.

    A full disk leaves the old bundle, or no folder where there was none. Each file is replaced
    atomically, model.yaml last: a killed write leaves either the old bundle or one that
    `Bundle.load` refuses, never a mixture that runs.
    """
    path = draft.path
    try:
        text = yaml.safe_dump(draft.to_dict(), sort_keys=False, allow_unicode=True, width=100)
        bundle_from(path, plain_mapping(text.encode(), path / YAML_FILE))
    except yaml.YAMLError as error:
        raise NightsegError(
            f"bundle {path}: metrics and training must be plain numbers, texts, lists and "
            f"mappings ({str(error).splitlines()[0]})"
        ) from error
    files = {CARD_FILE: card.encode(), ONNX_FILE: onnx, YAML_FILE: text.encode()}
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        sweep(path)
        write_all_atomically({path / file: data for file, data in files.items()})
    except OSError as error:
        if new:
            with suppress(OSError):
                path.rmdir()
        raise NightsegError(
            f"bundle {path}: cannot write ({error.strerror}); nothing was changed. Make room, or "
            "name a folder that can be written"
        ) from error
    return Bundle.load(path)
