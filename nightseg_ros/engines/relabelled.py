# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine whose masks are in another label set than that of its network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nightseg_ros.engines.engine import Engine, Outputs, check_outputs
from nightseg_ros.labels.lookup import lookup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.engine import EngineInfo


class RelabelledEngine:
    """Turns the class ids of an engine into those that `bundle.labels_as` has."""

    def __init__(self, engine: Engine, bundle: Bundle) -> None:
        assert bundle.labels is not None
        assert bundle.labels_as is not None
        self.info: EngineInfo = engine.info
        self._engine, self._bundle = engine, bundle
        self._table = lookup(bundle.labels, bundle.labels_as)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the only image size the network takes."""
        return self._engine.input_size

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Return (mask, confidence); classes that the other label set lacks become 255."""
        outputs = self._engine.run(image)
        check_outputs(self._bundle, outputs)
        mask, confidence = outputs
        return np.asarray(cv2.LUT(mask, self._table), np.uint8), confidence

    def close(self) -> None:
        """Free the resources of the engine."""
        self._engine.close()


def in_labels_as(engine: Engine, bundle: Bundle) -> Engine:
    """Return the engine with masks in the label set that `bundle` is to give."""
    if bundle.labels_as is None or bundle.labels_as == bundle.labels:
        return engine
    return RelabelledEngine(engine, bundle)
