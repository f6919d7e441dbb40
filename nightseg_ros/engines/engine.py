# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The protocol of all engines: one uint8 image in, uint8 maps out, and facts about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.bundle import SEGMENTATION, Bundle
from nightseg_ros.errors import NightsegError

Outputs = tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class EngineInfo:
    """What actually runs the network, read back from the engine and never assumed."""

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
    """One network, ready to run; create, use and close it in ONE thread."""

    info: EngineInfo

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the only image size the network takes."""

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Return (mask, confidence), or (translated,), for a C-contiguous (H, W, 3) RGB image.

        The caller may overwrite the arrays, but the engine may reuse them in its next run.
        """

    def close(self) -> None:
        """Free the resources of the engine; closing twice is fine."""


def warm_up(engine: Engine, bundle: Bundle) -> None:
    """Run `engine` once and refuse it where its outputs do not match `bundle`.

    The image is half a ramp of grey levels and half colour noise, so that many classes occur.
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
    """Refuse outputs whose number, shape, type or class ids do not match the bundle."""
    if len(outputs) != len(bundle.outputs):
        raise NightsegError(
            f"bundle {bundle.name}: the network has {len(outputs)} outputs, model.yaml promises "
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
        # 255 becomes 0 and every other id one more, so one maximum covers both.
        largest = int(np.max(outputs[0] + np.uint8(1), initial=0)) - 1
        if largest >= bundle.labels.count:
            raise NightsegError(
                f"bundle {bundle.name}: output 'mask' has class id {largest}, but "
                f"model.yaml names only {bundle.labels.count} classes; put those it was trained on "
                "in labels"
            )
