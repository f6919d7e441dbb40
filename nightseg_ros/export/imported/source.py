# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Turns a network of any origin into the source of a model folder, with all that was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.bundle import IMPORTED, ROUTES_OF_KIND, SEGMENTATION, SIDES
from nightseg_ros.engines.image_input import precision_of, shape_text, type_name
from nightseg_ros.engines.parity import FP32, Parity
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.imported.find_output import find_output
from nightseg_ros.export.imported.fixed import fixed
from nightseg_ros.export.imported.normalisation import PRESETS, Normalisation
from nightseg_ros.export.imported.original import Original, Reference
from nightseg_ros.export.imported.wrap import wrap
from nightseg_ros.export.proof import prove
from nightseg_ros.export.source import Source
from nightseg_ros.labels.label_set import LabelSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nightseg_ros.export.imported.network import Network


LEAST_EQUAL = 0.999
"""Share of equal pixels of the wrapped graph and the original."""
PROBED = 3
"""Frames on which the values of the outputs are looked at."""


@dataclass(frozen=True)
class Answers:
    """What a graph does not say about its network, as far as the user said it."""

    size: tuple[int, int] | None = None
    normalisation: Normalisation | None = None
    labels: LabelSet | None = None
    route: str | None = None
    output: str = ""
    kind: str = ""
    bgr: bool = False
    licence: str = ""


def check_answers(network: Network, answers: Answers) -> tuple[int, int]:
    """Return the size of images, or ask for all that is missing, each with the reason."""
    image = network.image
    size = answers.size or image.size
    asked = []
    if size is None:
        asked.append(
            f"--size WxH: its input {image}, takes any size, and a model runs at one; give the "
            "size it was trained for"
        )
    if image.type != "uint8" and answers.normalisation is None:
        asked.append(
            f"--normalise {'|'.join(PRESETS)}, or --mean, --std and --scale: its input "
            f"'{image.input}' is {image.type}, and how bytes become these numbers is in the code "
            "that trained it, not in the graph"
        )
    if answers.labels is None:
        asked.append(
            "--labels NAME|FILE: names and colours of classes are not in the graph "
            f"({_declared(network)})"
        )
    if answers.route is None:
        routes = "|".join(ROUTES_OF_KIND[SEGMENTATION])
        asked.append(f"--route {routes}: for which light it was trained")
    if asked:
        raise NightsegError(f"{network.name} does not contain everything; give {'; '.join(asked)}")
    assert size is not None
    _check_size(network, size)
    if image.type == "uint8" and answers.normalisation not in (None, PRESETS["none"]):
        raise NightsegError(
            f"{network.name}: its input '{image.input}' is uint8, so it normalises inside; leave "
            "--normalise, --mean, --std and --scale out"
        )
    return size


def imported_source(
    network: Network, answers: Answers, frames: Sequence[NDArray[np.uint8]]
) -> Source:
    """Return `network` in our form, with its original as the reference."""
    size = check_answers(network, answers)
    labels, route = answers.labels, answers.route
    assert labels is not None
    assert route is not None
    normalisation = replace(answers.normalisation or PRESETS["none"], bgr=answers.bgr)
    original = Original(network, size, normalisation)
    runs = [original.outputs(frame) for frame in frames[:PROBED]]
    model = fixed(network, network.image.at(size, 1))
    output = find_output(
        network.name, model, runs, size, labels, wanted=answers.output, kind=answers.kind
    )
    wrapped = wrap(model, network.image, size, normalisation, output, labels)
    facts: dict[str, Any] = {
        "file": network.name,
        "sha256": network.sha256,
        "input": str(network.image),
        "normalisation": normalisation.to_dict(),
        "output": str(output),
        "confidence": wrapped.confidence,
        "precision": precision_of(model.graph),
    }
    return Source(
        onnx=wrapped.onnx,
        kind=SEGMENTATION,
        route=route,
        size=size,
        labels=labels,
        training={IMPORTED: facts},
        licence=answers.licence,
        engine=Reference(original, output, labels),
    )


def prove_import(
    source: Source,
    frames: Sequence[NDArray[np.uint8]],
    name: str,
    on_frame: Callable[[], object] = lambda: None,
) -> Parity:
    """Return the parity of the wrapped graph with the original on `frames`, or refuse it."""
    parity = prove(source, source.onnx, FP32, frames, name=name, on_frame=on_frame)
    if parity.equal_share < LEAST_EQUAL:
        raise NightsegError(
            f"{name}: the wrapped graph equals the original on {parity.equal_share:.3%} of the "
            f"pixels, need {LEAST_EQUAL:.1%}; it was not kept"
        )
    return parity


def _check_size(network: Network, size: tuple[int, int]) -> None:
    image, (height, width) = network.image, size
    if any(side not in SIDES for side in size):
        raise NightsegError(
            f"size {width}x{height}: both sides must be {SIDES.start} to {SIDES.stop - 1}"
        )
    try:
        image.at(size, 1)
    except NightsegError as error:
        raise NightsegError(
            f"{network.name}: --size {width}x{height} does not fit its input '{image.input}': "
            f"{error}"
        ) from error


def _declared(network: Network) -> str:
    """Return what the graph declares of its outputs."""
    parts = []
    for value in network.model.graph.output:
        tensor = value.type.tensor_type
        shape = tuple(side.dim_value for side in tensor.shape.dim)
        parts.append(f"output '{value.name}', {type_name(tensor.elem_type)} {shape_text(shape)}")
    return ", ".join(parts)
