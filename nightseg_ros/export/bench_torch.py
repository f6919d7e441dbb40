# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a network in torch itself, for machines with a GPU but without an inference engine.

On a GPU: fp16, channels last, and one CUDA graph that holds the copy of the bytes from page-locked
memory to the GPU, the network, and the copy of its bytes back. On a CPU: fp32, channels last.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nightseg_ros.errors import NightsegError
from nightseg_ros.export.bench_networks import random_network
from nightseg_ros.export.graph import SegmentationGraph, TranslationGraph, fix_pooling
from nightseg_ros.learning.networks.segmenter import Segmenter

WARM_UP_RUNS = 3


class _Logits(nn.Module):
    """A segmenter without the upsampling of its scores."""

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores at their own size."""
        return self.network.logits(x)


class _Typed(Segmenter):
    """A network that computes in one type and in channels last."""

    def __init__(self, network: nn.Module, kind: torch.dtype) -> None:
        super().__init__()
        self.network, self.kind = _folded(network).to(kind), kind

    def forward(self, x: Tensor) -> Tensor:
        """Return images, or scores at their own size."""
        y: Tensor = self.network(x.to(self.kind).contiguous(memory_format=torch.channels_last))
        return y

    logits = forward


def _folded(network: nn.Module) -> nn.Module:
    """Return the network with batch norms folded into convolutions, if it can be traced."""
    try:
        from torch.fx.experimental.optimization import fuse

        return fuse(network.eval())
    except Exception:  # tracing fails in many ways
        return network


class TorchRunner:
    """Bytes of images on the host in, bytes of masks on the host out."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._gpu = torch.cuda.is_available()
        if spec["threads"]:
            torch.set_num_threads(spec["threads"])
        torch.backends.cudnn.benchmark = True
        shape = (spec["batch"], spec["height"], spec["width"], 3)
        kind = torch.float16 if self._gpu else torch.float32
        graph = _graph(random_network(spec["architecture"]), shape[1:3], kind)
        run: Any = graph.to("cuda" if self._gpu else "cpu")
        run.to(memory_format=torch.channels_last)
        if spec["compiled"]:
            run = torch.compile(run)
        random = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        self._host_in = torch.from_numpy(random)
        if self._gpu:
            self._host_in = self._host_in.pin_memory()
        self._source = random.copy()
        self._target: NDArray[np.uint8] = self._host_in.numpy()
        self._outputs: list[Tensor] = []
        self._step = self._captured(run) if self._gpu else lambda: self._on_cpu(run)
        compiled = ", compiled" if spec["compiled"] else ""
        how = "CUDA graph" if self._gpu else "eager"
        self.facts: Mapping[str, Any] = {
            "backend": "torch",
            "provider": f"torch {torch.__version__}, channels last, {how}{compiled}",
            "device": "cuda:0" if self._gpu else "cpu",
            "precision": "fp16" if self._gpu else "fp32",
        }

    def step(self) -> None:
        """Copy the images in, run, and copy the outputs to the host."""
        np.copyto(self._target, self._source)
        self._step()
        for output in self._outputs:
            output.numpy()

    def close(self) -> None:
        """Free the network."""
        del self._step
        self._outputs.clear()

    def _on_cpu(self, run: Callable[[Tensor], Any]) -> None:
        with torch.inference_mode():
            self._outputs = _as_list(run(self._host_in))

    def _captured(self, run: Callable[[Tensor], Any]) -> Callable[[], None]:
        """Return a replay of the CUDA graph, both copies included."""
        device_in = torch.empty_like(self._host_in, device="cuda")
        stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        with torch.inference_mode(), torch.cuda.stream(stream):
            for _ in range(WARM_UP_RUNS):
                device_in.copy_(self._host_in, non_blocking=True)
                found = _as_list(run(device_in))
            self._outputs = [torch.empty(f.shape, dtype=f.dtype, pin_memory=True) for f in found]
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.inference_mode(), torch.cuda.graph(graph, stream=stream):
            device_in.copy_(self._host_in, non_blocking=True)
            for host, device in zip(self._outputs, _as_list(run(device_in)), strict=True):
                host.copy_(device, non_blocking=True)

        def replay() -> None:
            graph.replay()
            torch.cuda.synchronize()

        return replay


def _graph(network: nn.Module, size: tuple[int, ...], kind: torch.dtype) -> nn.Module:
    if not isinstance(network, Segmenter):
        return TranslationGraph(_Typed(network, kind)).eval()
    height, width = size
    if height % network.stride or width % network.stride:
        raise NightsegError(f"{width}x{height}: sides must be multiples of {network.stride}")
    fix_pooling(network, height, width)
    return SegmentationGraph(_Typed(_Logits(network), kind)).eval()


def _as_list(outputs: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else list(outputs)


class TorchGemm:
    """One matrix product in torch: the ceiling on a GPU, and another estimate of a CPU's."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        gpu = spec["way"] == "torch-cuda"
        if gpu and not torch.cuda.is_available():
            raise NightsegError("torch sees no GPU")
        if spec["threads"]:
            torch.set_num_threads(spec["threads"])
        precision, side = spec["precision"], spec["side"] * (4 if gpu else 1)
        self._gpu = gpu
        self.facts = {
            "backend": "torch",
            "device": "cuda:0" if gpu else "cpu",
            "precision": precision,
            "side": side,
        }
        if precision == "int8":
            self._run = _integer_product(side)
        else:
            torch.backends.cuda.matmul.allow_tf32 = True
            kind = torch.float16 if precision == "fp16" else torch.float32
            a, b = (
                torch.randn(side, side, device="cuda" if gpu else "cpu").to(kind) for _ in range(2)
            )
            out = torch.empty_like(a)
            self._run = lambda: torch.mm(a, b, out=out)

    def step(self) -> None:
        """Multiply once."""
        with torch.inference_mode():
            self._run()
        if self._gpu:
            torch.cuda.synchronize()

    def close(self) -> None:
        """Free the matrices."""
        del self._run


def _integer_product(side: int) -> Callable[[], Any]:
    """Return a product of bytes by torch's library for quantised layers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated: a later torch removes them
        weights = torch.quantize_per_tensor(torch.randn(side, side), 0.02, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(weights, None)
        a = torch.quantize_per_tensor(torch.rand(side, side), 0.01, 0, torch.quint8)
    return lambda: torch.ops.quantized.linear(a, packed, 0.1, 64)
