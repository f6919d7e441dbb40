# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writing a model folder: whole or not at all, and read back before it counts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from nightseg_ros.atomic import write_all_atomically
from nightseg_ros.bundle import CARD_FILE, ONNX_FILE, OUTPUTS, YAML_FILE, Bundle, bundle_from
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import LabelSet


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
    card: str = "",
) -> Bundle:
    """Write a model folder and return its bundle, read back and verified.

    A full disk leaves the old bundle, or no folder where there was none. Each file is replaced
    whole and model.yaml comes last: a write that is killed leaves either the old bundle or one
    that `Bundle.load` refuses, never a mixture that runs.
    """
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
    )
    if kind not in OUTPUTS:
        raise NightsegError(f"bundle {path}: kind is '{kind}', need {' or '.join(OUTPUTS)}")
    try:
        bundle_from(path, draft.to_dict())
        text = yaml.safe_dump(draft.to_dict(), sort_keys=False, allow_unicode=True, width=100)
    except yaml.YAMLError as error:
        raise NightsegError(
            f"bundle {path}: metrics and training must be plain numbers, texts, lists and "
            f"mappings ({str(error).splitlines()[0]})"
        ) from error
    files = {CARD_FILE: (card or f"# {name}\n").encode(), ONNX_FILE: onnx, YAML_FILE: text.encode()}
    new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
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
