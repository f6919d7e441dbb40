# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An ONNX graph of any origin: what it takes, what it costs, and random values to feed it.

It is measured as it was exported. What is not inside the graph (resizing, normalising, the
arg-max) is not counted, and whatever it returns is copied to the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.engines.image_input import (
    ImageInput,
    Shape,
    image_input,
    precision_of,
    shape_text,
)
from nightseg_ros.errors import NightsegError
from nightseg_ros.trials.engine_bench.graph import count_macs

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND, WEIGHTS = "graph", "its own"
IMAGES = 4
"""Different inputs that are run in turn, so that no run finds its own input in a cache."""


@dataclass(frozen=True)
class GraphFile(ImageInput):
    """A graph with one image input, and the file it is in."""

    path: Path
    precision: str

    @classmethod
    def read(cls, path: Path) -> GraphFile:
        """Read what a graph takes; its weights may lie in files beside it, they are not read."""
        graph = _load(path).graph
        taken = image_input(graph, str(path))
        return cls(**vars(taken), path=path, precision=precision_of(graph))

    @property
    def label(self) -> str:
        """The name of the network in tables: that of its file, or of its model folder."""
        return self.path.stem if self.path.stem != "model" else self.path.resolve().parent.name

    def macs(self, shape: Shape) -> int | None:
        """Return the multiply-accumulates of one run, None where the graph hides its shapes."""
        model = _load(self.path)
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
        for value in model.graph.input:
            if value.name == self.input:
                for dim, side in zip(value.type.tensor_type.shape.dim, shape, strict=True):
                    dim.dim_value = side
        try:
            return count_macs(model.SerializeToString())
        except NightsegError:
            return None

    def spec(self, shape: Shape) -> dict[str, Any]:
        """Return what its own process must know to run it."""
        free = {name: side for name, side in zip(self.free, shape, strict=True) if name}
        own = {"file": str(self.path), "input": self.input, "type": self.type}
        return {**own, "precision": self.precision, "shape": shape, "free": free}

    def fed(self, shape: Shape) -> str:
        """Return in words what a run is fed."""
        return f"{self.input}, random {self.type} {shape_text(shape)}"


def random_inputs(type_name: str, shape: Shape) -> list[NDArray[Any]]:
    """Return arrays of random values: bytes, or floats from 0 to 1."""
    random = np.random.default_rng(0)
    if type_name == "uint8":
        return [random.integers(0, 256, shape, np.uint8) for _ in range(IMAGES)]
    return [random.random(shape, np.float32).astype(type_name) for _ in range(IMAGES)]


def _load(path: Path) -> Any:
    import onnx

    try:
        return onnx.load(path, load_external_data=False)
    except OSError:
        raise
    except Exception as error:  # protobuf has no narrower base
        raise NightsegError(f"{path} is no ONNX graph ({str(error)[:80]})") from error
