# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The key of a built engine: what it was built from and for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle

ENGINE_OPTION = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt", "openvino": "openvino-int8"}
"""Backend of a key -> its name in `nightseg build-engine --engine`."""

FOLDER = re.compile(r"-\d+x\d+-b\d+-[0-9a-f]{16}$")
"""The end of engines' folder names; the cache folder may hold other files."""


@dataclass(frozen=True)
class EngineKey:
    """All that determines whether a built engine can be used; any difference needs another engine.

    `sha256` is that of the ONNX file, `backend` and `version` the library that built it, `device`
    the GPU's name with its compute capability, or the name of the CPU. `model`, the model folder
    as a user would name it, is for messages only.
    """

    sha256: str
    backend: str
    version: str
    device: str
    precision: str
    height: int
    width: int
    batch: int = 1
    model: str = field(default="", compare=False)

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        *,
        backend: str,
        version: str,
        device: str,
        precision: str,
        batch: int = 1,
    ) -> EngineKey:
        """Return the key of an engine for `bundle`."""
        built = (backend, version, device, precision, bundle.height, bundle.width, batch)
        return cls(bundle.sha256, *built, model=str(bundle.path))

    @property
    def folder_name(self) -> str:
        """The folder of this engine in the cache: readable, and unique by its last part.

        >>> key = EngineKey("ab" * 32, "tensorrt", "10.9.0", "NVIDIA L4 sm89", "fp16", 272, 480)
        >>> key.folder_name
        'tensorrt-10.9.0-fp16-480x272-b1-155730954d5d7489'
        """
        identity = json.dumps([getattr(self, name) for name in _IDENTITY]).encode()
        text = f"{self.backend}-{self.version}-{self.precision}"
        text = re.sub(r"[^A-Za-z0-9._+-]", "_", text)[:80]
        digest = hashlib.sha256(identity).hexdigest()[:16]
        return f"{text}-{self.width}x{self.height}-b{self.batch}-{digest}"

    @property
    def build_command(self) -> str:
        """The command that builds this engine."""
        command = f"nightseg build-engine {self.model or 'MODEL'}"
        option = ENGINE_OPTION.get(self.backend, self.backend)
        command += f" --engine {option}"
        return command + (" --calibrate FOLDER_OF_IMAGES" if option == "openvino-int8" else "")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for engine.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EngineKey:
        """Return the key that `to_dict` wrote; ValueError where a field is missing or invalid."""
        values: dict[str, Any] = {}
        for item in fields(cls):
            value = data.get(item.name)
            wanted = int if item.name in ("height", "width", "batch") else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise ValueError(f"{item.name} is {value!r}")
            values[item.name] = value
        return cls(**values)


_IDENTITY = tuple(item.name for item in fields(EngineKey) if item.compare)
