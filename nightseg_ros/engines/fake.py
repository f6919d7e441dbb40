# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An engine without a network: its outputs follow from the pixels, so tests can predict them."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from nightseg_ros.bundles.bundle import SEGMENTATION, Bundle
from nightseg_ros.engines.engine import EngineInfo, Outputs
from nightseg_ros.engines.fake_faults import FakeFaults
from nightseg_ros.errors import NightsegError

INFO = EngineInfo(backend="fake", provider="none", device="cpu", precision="uint8")
BRIGHTER = 64
"""Added to every channel by the fake translator (saturating)."""


class FakeEngine:
    """Mask = green channel in steps of 8 levels, modulo the classes; confidence = red channel.

    A run takes `delay_s` in total, asleep without the GIL like a real engine. The next
    `fail_next` runs raise `failure`; a test may set it at any time. Another process can inject
    faults into an engine of a bundle, see fake_faults.py.
    """

    def __init__(
        self,
        input_size: tuple[int, int] = (272, 480),
        label_count: int = 19,
        *,
        kind: str = SEGMENTATION,
        delay_s: float = 0.0,
        fail_next: int = 0,
    ) -> None:
        self.info = INFO
        self.input_size = input_size
        self.kind = kind
        self.delay_s = delay_s
        self.fail_next = fail_next
        self.failure: Exception = NightsegError("the fake engine was set to fail; nothing is wrong")
        self.runs = 0
        self.closed = False
        self.faults: FakeFaults | None = None
        self._class_of = (np.arange(256) // 8 % label_count).astype(np.uint8)

    @classmethod
    def for_bundle(cls, bundle: Bundle, *, delay_s: float = 0.0) -> FakeEngine:
        """Return a fake with the input, outputs and class ids of `bundle`."""
        size = (bundle.height, bundle.width)
        count = bundle.labels.count if bundle.labels is not None else 1
        engine = cls(size, count, kind=bundle.kind, delay_s=delay_s)
        engine.faults = FakeFaults(bundle.role)
        return engine

    def run(self, image: NDArray[np.uint8]) -> Outputs:
        """Return the maps described above."""
        if self.closed:
            raise NightsegError("the fake engine is closed; create a new one")
        end = time.perf_counter() + self.delay_s
        self.runs += 1
        if self.fail_next > 0:
            self.fail_next -= 1
            raise self.failure
        if image.shape != (*self.input_size, 3) or image.dtype != np.uint8:
            raise NightsegError(
                f"the fake engine got {image.dtype} {list(image.shape)}, "
                f"need uint8 {[*self.input_size, 3]}"
            )
        fault = self.faults.next(first=self.runs == 1) if self.faults else ""
        if self.faults and fault:
            self.faults.interrupt(fault)
        outputs = self._outputs(image)
        if self.faults and fault:
            outputs = self.faults.corrupt(fault, outputs)
        if (left := end - time.perf_counter()) > 0:
            time.sleep(left)
        return outputs

    def _outputs(self, image: NDArray[np.uint8]) -> Outputs:
        if self.kind != SEGMENTATION:
            table = np.minimum(np.arange(256) + BRIGHTER, 255).astype(np.uint8)
            return (np.asarray(cv2.LUT(image, table), np.uint8),)
        red, green = cv2.extractChannel(image, 0), cv2.extractChannel(image, 1)
        return np.asarray(cv2.LUT(green, self._class_of), np.uint8), np.asarray(red, np.uint8)

    def close(self) -> None:
        """Refuse further runs."""
        self.closed = True
