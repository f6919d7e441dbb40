# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The features of a network at its stages, while it computes its scores."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError


class _Complete(Exception):  # noqa: N818 - no error: it ends a run whose features are all there
    """All stages have been seen."""


class Stages:
    """Collects what named submodules of `network` return, without a change to the network.

    The default names are the network's own `stages`. Only `run` and `features` collect: other runs
    of the network leave nothing behind. End it with `close`.
    """

    def __init__(self, network: nn.Module, names: Sequence[str] | None = None) -> None:
        known = dict(network.named_modules())
        own = getattr(network, "stages", None)
        wanted = (own if isinstance(own, tuple) else ()) if names is None else tuple(names)
        if not wanted:
            raise NightsegError(
                f"{type(network).__name__} names no stages; give it an attribute `stages` with "
                "the names of its submodules, or name them"
            )
        for name in wanted:
            if not name or name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                raise NightsegError(f"{type(network).__name__} has no stage '{name}'{hint}")
        self.network, self.names = network, wanted
        self._features: dict[str, Tensor] = {}
        self._running = self._stop = False
        self._hooks = [
            known[name].register_forward_hook(partial(self._keep, name)) for name in wanted
        ]

    def _keep(self, name: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        if self._running:
            self._features[name] = output
            if self._stop and len(self._features) == len(self.names):
                raise _Complete

    def run(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the features of `image`, in the order of the names, and the network's scores.

        Scores are what `logits` returns, or the network itself where it has no such method.
        """
        scores: Any = getattr(self.network, "logits", self.network)
        outputs: list[Tensor] = []
        features = self._collect(lambda: outputs.append(scores(image)))
        return features, outputs[0]

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the features of `image` alone: the network is left after its last stage."""
        scores: Any = getattr(self.network, "logits", self.network)
        self._stop = True
        try:
            return self._collect(lambda: scores(image))
        finally:
            self._stop = False

    def _collect(self, compute: Callable[[], object]) -> list[Tensor]:
        if not self._hooks:
            raise NightsegError("these stages are closed; make new ones")
        self._running = True
        try:
            with suppress(_Complete):
                compute()
            unseen = [name for name in self.names if name not in self._features]
            if unseen:
                raise NightsegError(
                    f"{type(self.network).__name__} did not use its stage '{unseen[0]}'; "
                    "name another"
                )
            return [self._features[name] for name in self.names]
        finally:
            self._running = False
            self._features.clear()

    @torch.no_grad()
    def channels(self, example: Tensor) -> tuple[int, ...]:
        """Return the number of channels of every stage, as they are for the image `example`.

        The network's own mode and statistics stay as they are.
        """
        modes = [(module, module.training) for module in self.network.modules()]
        self.network.eval()
        try:
            return tuple(feature.shape[1] for feature in self.features(example))
        finally:
            for module, mode in modes:
                module.training = mode

    def close(self) -> None:
        """Take the hooks off the network."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
