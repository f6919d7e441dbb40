# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Finds the output that contains the classes, and what its values mean.

A kind is concluded from the operator that made the output, or from its values on real frames; where
neither decides, it is requested. What is no map of the image (boxes, scores of a whole image) or no
map of classes (depth) is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nightseg_ros.engines.image_input import Shape, shape_text
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.imported.mask_output import (
    BINARY,
    BINARY_LOGITS,
    IDS,
    LOGITS,
    PROBABILITIES,
    SIGMOID,
    MaskOutput,
)
from nightseg_ros.export.open_graph import OpenGraph
from nightseg_ros.labels.label_set import IGNORE, KNOWN, LabelSet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from nightseg_ros.export.imported.original import Arrays

MOST_STRIDE = 64
SUM_TOLERANCE = 1e-3
PASSING = ("Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Resize", "Slice")
"""Operators that change where or as what values are stored, but not what they mean."""
MADE_BY = {"Softmax": PROBABILITIES, "Sigmoid": PROBABILITIES, "LogSoftmax": LOGITS}


def find_output(
    name: str,
    model: ModelProto,
    runs: Sequence[Arrays],
    size: tuple[int, int],
    labels: LabelSet,
    *,
    wanted: str = "",
    kind: str = "",
) -> MaskOutput:
    """Return the output of the network `name` that contains the classes of `labels`.

    `runs` are what it returned for some frames of `size`. `wanted` and `kind` are the answers of
    the user, where there are any.
    """
    first = runs[0]
    listed = "; ".join(described(key, first[key]) for key in first) or "no tensor"
    if wanted and wanted not in first:
        raise NightsegError(f"{name} has no output '{wanted}'; it has {listed}")
    maps = {
        key: last
        for key, value in first.items()
        if (last := _channels_last(value.shape, size, labels)) is not None
    }
    others = {key: value.shape for key, value in first.items() if key not in maps}
    if wanted:
        maps = {key: last for key, last in maps.items() if key == wanted}
    if not maps or (others and not wanted):
        advice = "import a network of semantic segmentation"
        if maps:
            advice += (
                f", or give --output {next(iter(maps))} if that has the classes of every pixel"
            )
        raise NightsegError(
            f"{name} returns {listed}. {_what_instead(others)}: it cannot be a mask; {advice}"
        )
    if len(maps) > 1:
        fitting = {
            key: last
            for key, last in maps.items()
            if has_channels(labels, _channels(first[key].shape, last))
        }
        maps = fitting if len(fitting) == 1 else maps
    if len(maps) > 1:
        raise NightsegError(
            f"{name} has {len(maps)} outputs that could be the mask, and the graph does not name "
            f"which: {listed}; name one with --output"
        )
    key, last = next(iter(maps.items()))
    found = MaskOutput(key, "", str(first[key].dtype), first[key].shape, last, "")
    values = [found.planes(run[key]) for run in runs]
    _check_finite(name, key, values)
    kind, because = _kind(name, found, values, _maker(model, key), kind)
    found = MaskOutput(key, kind, found.type, found.shape, last, because)
    _check_classes(name, found, values, labels)
    return found


def has_channels(labels: LabelSet, channels: int) -> bool:
    """Return whether a network with so many channels has these classes; more must be void."""
    return channels >= labels.count and labels.void.issuperset(range(labels.count, channels))


def described(name: str, values: NDArray[Any]) -> str:
    """Return name, type and shape of an output."""
    return f"{name}, {values.dtype} {shape_text(values.shape)}"


def _channels(shape: Shape, last: bool) -> int:
    return shape[3 if last else 1] if len(shape) == 4 else 1


def _channels_last(shape: Shape, size: tuple[int, int], labels: LabelSet) -> bool | None:
    """Return whether the channels are last in a map of the image; None where it is no map."""
    if shape == size or (len(shape) == 3 and shape[0] == 1 and _fits(shape[1:], size)):
        return False
    if len(shape) != 4 or shape[0] != 1:
        return None
    places = [last for last in (False, True) if _fits(shape[1:3] if last else shape[2:], size)]
    if len(places) == 2:  # as large in one direction as there are channels
        places = [last for last in places if has_channels(labels, _channels(shape, last))] or places
    return places[0] if places else None


def _fits(own: Shape, size: tuple[int, int]) -> bool:
    """Return whether a map shows an image of `size`, at full or at a reduced size.

    >>> _fits((68, 120), (272, 480)), _fits((9, 15), (272, 480)), _fits((84, 8400), (640, 640))
    (True, True, False)
    """
    (height, width), (full_height, full_width) = own, size
    if not (1 < height <= full_height and 1 < width <= full_width):
        return False
    return height * full_width == width * full_height or any(
        height in (full_height // stride, -(-full_height // stride))
        and width in (full_width // stride, -(-full_width // stride))
        for stride in range(1, MOST_STRIDE + 1)
    )


def _what_instead(others: dict[str, Shape]) -> str:
    """Return what outputs that are no map of the image look like."""
    looks = {}
    for name, shape in others.items():
        text = f"'{name}' ({shape_text(shape)})"
        if shape[-1:] == (4,) or "box" in name.lower():
            looks["boxes"] = f"{text} looks like the boxes of a detector"
        elif len(shape) == 3:
            looks["table"] = f"{text} is a table, not a map of the image, as detectors return"
        elif len(shape) < 3:
            looks["whole"] = f"{text} looks like the scores of whole images, by a classifier"
    found = [looks[kind] for kind in ("boxes", "table", "whole") if kind in looks]
    return (found or ["The size of no output is that of the image, or a part of it"])[0]


def _maker(model: ModelProto, output: str) -> str:
    """Return the operator that made the values of an output."""
    graph = OpenGraph(model)
    node = graph.maker(output)
    while node is not None and node.op_type in PASSING:
        node = graph.maker(node.input[0])
    return node.op_type if node is not None else ""


def _check_finite(name: str, output: str, values: Sequence[NDArray[Any]]) -> None:
    for number, frame in enumerate(values, 1):
        if frame.dtype.kind == "f" and not np.isfinite(frame).all():
            raise NightsegError(
                f"{name}: output '{output}' contains {frame[~np.isfinite(frame)][0]} on frame "
                f"{number}; check --normalise, or export the network again"
            )


def _kind(
    name: str, found: MaskOutput, values: Sequence[NDArray[Any]], maker: str, wanted: str
) -> tuple[str, str]:
    """Return the kind of an output, and what that is concluded from."""
    whole = found.type == "bool" or np.issubdtype(np.dtype(found.type), np.integer)
    least, most = min(v.min() for v in values), max(v.max() for v in values)
    between = f"values from {least:.4g} to {most:.4g}"
    text = f"{name}: output '{found.name}' ({found.type} {shape_text(found.shape)})"
    single = found.channels == 1
    ids = single and (whole or all((frame == np.round(frame)).all() for frame in values))
    possible = {
        IDS: ids,
        LOGITS: not single,
        PROBABILITIES: not single and least >= 0 and most <= 1,
    }
    possible |= {SIGMOID: single and least >= 0 and most <= 1, BINARY_LOGITS: single}
    if wanted:
        if not possible[wanted] or (whole and wanted != IDS):
            raise NightsegError(f"{text} has {between}: these are no {wanted}")
        return wanted, "as requested"
    if whole or (single and maker == "ArgMax"):
        if not ids:
            raise NightsegError(f"{text}: whole numbers of {found.channels} channels are no mask")
        return IDS, "whole numbers of one channel"
    if single:
        if maker == "Sigmoid":
            return SIGMOID, "one channel, made by Sigmoid"
        raise NightsegError(
            f"{text} is one channel with {between}: a map of depth, or of another quantity, looks "
            f"so; if it separates two classes, give --output-kind {' or '.join(BINARY)}"
        )
    if maker in MADE_BY and possible[MADE_BY[maker]]:
        return MADE_BY[maker], f"made by {maker}"
    if not possible[PROBABILITIES]:
        return LOGITS, between
    if all(np.abs(frame.sum(axis=2) - 1).max() <= SUM_TOLERANCE for frame in values):
        return PROBABILITIES, "they add up to 1"
    raise NightsegError(
        f"{text} has {between}, which can be {LOGITS} or {PROBABILITIES}: the confidence depends "
        "on it; give --output-kind"
    )


def _check_classes(
    name: str, found: MaskOutput, values: Sequence[NDArray[Any]], labels: LabelSet
) -> None:
    """Refuse labels that do not fit the number of classes, or the ids on the frames."""
    own = 2 if found.kind in BINARY else found.channels
    text = f"{name}: output '{found.name}' ({found.type} {shape_text(found.shape)})"
    if found.kind != IDS and not has_channels(labels, own):
        sets = ", ".join(name for name, known in KNOWN.items() if known.count == own)
        also = f"; known sets of {own}: {sets}" if sets else ""
        if found.kind in BINARY:
            also = ", first the one where it is low; a depth network has no classes"
        raise NightsegError(
            f"{text} has {own} classes, --labels {labels.name} has {labels.count}; name those it "
            f"was trained on{also}"
        )
    if found.kind == IDS:
        for number, frame in enumerate(values, 1):
            known = [*range(labels.count), *labels.void, IGNORE]
            wrong = frame[~np.isin(frame, known)]
            if wrong.size:
                raise NightsegError(
                    f"{text} returns id {int(wrong[0])} on frame {number}, --labels {labels.name} "
                    f"has {labels.count} classes; name those it was trained on"
                )
