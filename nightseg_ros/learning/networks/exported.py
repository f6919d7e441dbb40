# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Reads weights back from an exported graph, so that a training may start from a model folder.

An export folds every normalisation into the convolution before it. Here the convolutions keep the
folded weights and the normalisations change nothing, until `recentre_norms` gives them the
statistics of real frames: a training then normalises as the network did before it was exported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError

Folded = tuple[Tensor, Tensor]
"""Weight and bias of one convolution of a graph."""


def take_exported_weights(network: nn.Module, data: bytes, name: str) -> None:
    """Give `network` the weights of its own exported graph, whose bytes `data` are."""
    folded = _convolutions(data)
    outputs: dict[int, Tensor] = {}
    pending: list[Tensor] = []

    def before(module: Any, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(module, nn.Conv2d):
            weight, bias = _next(folded, module.weight.shape, name)
            module.weight.copy_(weight)
            if module.bias is None:
                # The normalisation after it takes the bias.
                pending.append(bias)
            else:
                module.bias.copy_(bias)
        elif isinstance(module, nn.BatchNorm2d):
            _let_pass(module)
            if id(inputs[0]) not in outputs:
                # It normalised a concatenation, whose last part became a factor and a shift.
                scale, shift = _next(folded, None, name)
                module.weight[-len(shift) :] *= scale.flatten()
                module.bias[-len(shift) :] += shift
            elif pending:
                module.bias.add_(pending.pop())

    def after(_: Any, __: Any, output: Tensor) -> None:
        outputs[id(output)] = output  # kept, so that no other tensor gets its id

    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    with _hooks(network.modules(), before), _hooks(convolutions, after=after):
        _run(network, torch.zeros(1, 3, 64, 64))
    if folded or pending:
        raise NightsegError(
            f"{name}: {len(folded)} of its convolutions have no place in the network that its "
            "model.yaml names; export the model again"
        )


def recentre_norms(network: nn.Module, images: Tensor) -> None:
    """Give every normalisation the statistics of `images`; the network computes the same as before.

    A training normalises by the statistics of its batches. Where the stored ones are others, its
    first step would change what the network computes.
    """

    def before(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        mean, var = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), unbiased=False)
        factor = norm.weight / (norm.running_var + norm.eps).sqrt()
        norm.bias += factor * (mean - norm.running_mean)
        norm.weight.copy_(factor * (var + norm.eps).sqrt())
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)

    with _hooks((m for m in network.modules() if isinstance(m, nn.BatchNorm2d)), before):
        _run(network, images)


def _convolutions(data: bytes) -> deque[Folded]:
    """Return weight and bias of every convolution of a graph, in the order in which they run.

    One that runs in several places, as the head of a pyramid does, counts where it runs first.
    """
    graph = onnx.load_from_string(data).graph
    constants = {constant.name: constant for constant in graph.initializer}
    found: deque[Folded] = deque()
    seen: set[str] = set()
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] in constants and node.input[1] not in seen:
            seen.add(node.input[1])
            weight, *bias = (
                torch.from_numpy(np.array(onnx.numpy_helper.to_array(constants[name]), np.float32))
                for name in node.input[1:]
            )
            found.append((weight, bias[0] if bias else torch.zeros(len(weight))))
    return found


def _next(folded: deque[Folded], shape: torch.Size | None, name: str) -> Folded:
    """Return the next convolution, which must have `shape`, or be a factor for each channel."""
    weight, bias = folded.popleft() if folded else (torch.zeros(0), torch.zeros(0))
    if weight.shape != (shape or (len(weight), 1, 1, 1)) or not len(weight):
        raise NightsegError(
            f"{name}: its graph has a convolution of shape {list(weight.shape)} where the network "
            f"that its model.yaml names has {list(shape or ())}; start from a model that nightseg "
            "exported in fp32"
        )
    return weight, bias


def _let_pass(norm: Any) -> None:
    """Let a normalisation change nothing."""
    norm.reset_running_stats()
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.zero_()


@contextmanager
def _hooks(
    modules: Iterable[nn.Module],
    before: Callable[[Any, tuple[Tensor, ...]], None] | None = None,
    after: Callable[[Any, Any, Tensor], None] | None = None,
) -> Iterator[None]:
    """Call `before` and `after` around each of `modules`, while inside."""
    with ExitStack() as stack:
        for module in modules:
            if before is not None:
                stack.callback(module.register_forward_pre_hook(before).remove)
            if after is not None:
                stack.callback(module.register_forward_hook(after).remove)
        yield


@torch.no_grad()
def _run(network: nn.Module, images: Tensor) -> None:
    """Run `network` once as it runs when it is used, whatever its mode."""
    training = network.training
    network.eval()(images)
    network.train(training)
