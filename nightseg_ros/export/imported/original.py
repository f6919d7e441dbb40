# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a network as it was exported, with its own normalisation: the reference of its import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from nightseg_ros.engines.engine import EngineInfo
from nightseg_ros.errors import NightsegError, last_line

if TYPE_CHECKING:
    from nightseg_ros.export.imported.mask_output import Maps, MaskOutput
    from nightseg_ros.export.imported.network import Network
    from nightseg_ros.export.imported.normalisation import Normalisation
    from nightseg_ros.labels.label_set import LabelSet

Arrays = dict[str, NDArray[Any]]


class Original:
    """The unchanged file in ONNX Runtime on the CPU."""

    info = EngineInfo("onnxruntime", "CPUExecutionProvider", "cpu", "as exported")

    def __init__(
        self, network: Network, size: tuple[int, int], normalisation: Normalisation
    ) -> None:
        self.network, self.size, self.normalisation = network, size, normalisation
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session: Any = onnxruntime.InferenceSession(
                network.data, options, providers=["CPUExecutionProvider"], enable_fallback=False
            )
        except Exception as error:  # ONNX Runtime's exceptions share no narrower base
            raise NightsegError(
                f"{network.name}: ONNX Runtime {onnxruntime.__version__} cannot load it "
                f"({last_line(error)}); export it with an opset that this version runs"
            ) from error

    def outputs(self, image: NDArray[np.uint8]) -> Arrays:
        """Return all arrays among the outputs for one (H, W, 3) RGB image, by name."""
        taken = self.network.image
        pixels: NDArray[Any] = image[..., ::-1] if self.normalisation.bgr else image
        if taken.type != "uint8":
            pixels = self.normalisation.apply(image)
        pixels = pixels.transpose(2, 0, 1) if taken.channels_first else pixels
        names = [value.name for value in self._session.get_outputs()]
        try:
            found = self._session.run(names, {taken.input: np.ascontiguousarray(pixels[None])})
        except Exception as error:  # ONNX Runtime's exceptions share no narrower base
            height, width = self.size
            raise NightsegError(
                f"{self.network.name} cannot run on {width}x{height} ({last_line(error)}); give "
                "the --size it was made for, often a multiple of 32"
            ) from error
        named = zip(names, found, strict=True)
        return {name: values for name, values in named if isinstance(values, np.ndarray)}


class Reference:
    """An original behind the protocol of the engines."""

    info = Original.info

    def __init__(self, original: Original, output: MaskOutput, labels: LabelSet) -> None:
        self._original, self._output, self._labels = original, output, labels
        self.input_size = original.size

    def run(self, image: NDArray[np.uint8]) -> Maps:
        """Return mask and confidence for one (H, W, 3) RGB image."""
        values = self._original.outputs(image)[self._output.name]
        return self._output.maps(values, self.input_size, self._labels)

    def close(self) -> None:
        """Do nothing: there is nothing to free."""
