# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every engine is: one uint8 image in, uint8 maps out, and an honest account of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundle import SEGMENTATION, Bundle
from nightseg_ros.errors import NightsegError
from nightseg_ros.labels import IGNORE

Outputs = tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class EngineInfo:
    """What really runs the network, read back from the engine and never assumed."""

    backend: str
    provider: str
    device: str
    precision: str
    fallback_reason: str = ""

    def __str__(self) -> str:
        """Return it as a phrase.

        >>> str(EngineInfo("openvino", "CPU", "cpu", "int8"))
        'openvino (CPU, int8)'
        """
        return f"{self.backend} ({self.provider}, {self.precision})"


class Engine(Protocol):
    """One network, ready to run; created, used and closed in ONE thread."""

    info: EngineInfo

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the only image size the network takes."""

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Return (mask, confidence), or (translated,), for a C-contiguous (H, W, 3) RGB image.

        The arrays are the caller's to overwrite, but the engine may reuse them in its next run.
        """

    def close(self) -> None:
        """Free what the engine holds; closing twice is fine."""


def warm_up(engine: Engine, bundle: Bundle) -> None:
    """Run `engine` once and refuse it where its outputs are not what `bundle` promises.

    The image is half a ramp over the grey levels and half noise of all colours, so that many
    classes have a chance to win somewhere.
    """
    image = np.random.default_rng(0).integers(0, 256, (bundle.height, bundle.width, 3), np.uint8)
    half = bundle.height // 2
    image[:half] = np.linspace(255, 0, half).astype(np.uint8)[:, None, None]
    check_outputs(bundle, engine.run(image))


def output_shape(bundle: Bundle) -> tuple[int, ...]:
    """Return the shape of every output of `bundle`, without its batch axis."""
    size = (bundle.height, bundle.width)
    return size if bundle.kind == SEGMENTATION else (*size, 3)


def check_outputs(bundle: Bundle, outputs: Sequence[NDArray[np.uint8]]) -> None:
    """Refuse outputs whose number, shape, type or class ids differ from the bundle's promise."""
    if len(outputs) != len(bundle.outputs):
        raise NightsegError(
            f"bundle {bundle.name}: the network gives {len(outputs)} outputs, model.yaml promises "
            f"{', '.join(bundle.outputs)}; export the bundle again"
        )
    shape = output_shape(bundle)
    for name, output in zip(bundle.outputs, outputs, strict=True):
        if output.shape != shape or output.dtype != np.uint8:
            raise NightsegError(
                f"bundle {bundle.name}: output '{name}' is {output.dtype} {list(output.shape)}, "
                f"need uint8 {list(shape)}; export the bundle again"
            )
    if bundle.labels is not None:
        ids = outputs[0][outputs[0] != IGNORE]
        largest = int(ids.max()) if ids.size else 0
        if largest >= bundle.labels.count:
            raise NightsegError(
                f"bundle {bundle.name}: the network gives class id {largest}, but model.yaml names "
                f"only {bundle.labels.count} classes; put the classes it was trained on in labels"
            )
