# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a TensorRT engine on its GPU: images in, masks out, with a single launch.

Upload, network and download are recorded once as a CUDA graph, which each run launches. Where
recording fails they are launched one after the other, and `graph_problem` explains why.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, suppress
from ctypes import byref, c_void_p
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nightseg_ros.engines.engine import Outputs, output_shape
from nightseg_ros.engines.graph_check import INPUT, check_graph
from nightseg_ros.engines.tensorrt.cuda_driver import THREAD_LOCAL, Buffer, Cuda, Gpu
from nightseg_ros.engines.tensorrt.library import RTX, Library
from nightseg_ros.engines.tensorrt.messages import create_log, explain
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle


class TensorRtRunner:
    """One engine, its buffers and its stream; created, used and closed in one thread."""

    def __init__(
        self,
        library: Library,
        plan: bytes,
        bundle: Bundle,
        gpu: Gpu,
        *,
        batch: int = 1,
        kernels: Path | None = None,
    ) -> None:
        """Load `plan`; `kernels` is a folder for the kernels that TensorRT-RTX compiles."""
        self.graph_problem = ""
        self._names: dict[str, str] = {}
        """The engine's names of its outputs, where they differ from the bundle's."""
        self._what = f"bundle {bundle.name}: {library.name}"
        self._trt, self._log = library.module, create_log(library.module)
        self._kernels: Any = None
        self._closing = ExitStack()
        try:
            self._cuda = Cuda(gpu)
            self._closing.callback(self._cuda.close)
            self._stream = self._new_stream()
            self._engine = self._load(plan)
            self._check(bundle, batch)
            file = None
            if kernels is not None and library.kind == RTX:
                digest = hashlib.sha256(gpu.label.encode()).hexdigest()[:16]
                file = kernels / f"kernels-{digest}.cache"
            self._context, save = self._new_context(file)
            self._bind(bundle, batch)
            for _ in range(2):  # the first run allocates, and a graph can be recorded after it
                self._enqueue()
                self._cuda.call("cuStreamSynchronize", self._stream)
            save()
            self._graph = self._record()
        except BaseException:
            self.close()
            raise

    def run(self, images: NDArray[np.uint8]) -> Outputs:
        """Return the outputs of the network for (N, H, W, 3) RGB, N first; the caller owns them."""
        if images.shape != self._input.host.shape or images.dtype != np.uint8:
            raise NightsegError(
                f"{self._what}: got {images.dtype} {list(images.shape)}, "
                f"need uint8 {list(self._input.host.shape)}"
            )
        np.copyto(self._input.host, images)
        if self._graph is not None:
            self._cuda.call("cuGraphLaunch", self._graph, self._stream)
        else:
            self._enqueue()
        self._cuda.call("cuStreamSynchronize", self._stream)
        return tuple(output.host.copy() for output in self._outputs)

    def close(self) -> None:
        """Free everything, in the reverse order; closing twice is fine."""
        self._graph = self._context = self._kernels = self._engine = None
        self._closing.close()

    def _failure(self, what: str) -> NightsegError:
        return NightsegError(f"{self._what} {what}: {explain(self._log.errors)}")

    def _new_stream(self) -> int:
        stream = self._cuda.stream()
        self._closing.callback(self._cuda.call, "cuStreamDestroy_v2", stream)
        return stream

    def _load(self, plan: bytes) -> Any:
        runtime = self._trt.Runtime(self._log)
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise self._failure("cannot load the engine")
        # An engine must not outlive its runtime.
        self._runtime = runtime
        self._closing.callback(self.__dict__.pop, "_runtime", None)
        return engine

    def _check(self, bundle: Bundle, batch: int) -> None:
        """Refuse an engine that does not match `bundle` and this batch."""
        inputs, outputs = {}, []
        for index in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(index)
            shape = list(self._engine.get_tensor_shape(name))
            if self._engine.get_tensor_mode(name) == self._trt.TensorIOMode.INPUT:
                inputs[name] = [1, *shape[1:]]
            else:
                outputs.append(name)
            if self._engine.get_tensor_dtype(name) != self._trt.DataType.UINT8:
                raise NightsegError(f"{self._what}: '{name}' of the engine is not uint8")
            if shape[0] not in (-1, batch):
                raise NightsegError(f"{self._what}: the engine is for {shape[0]} images at a time")
        if outputs == [f"output{index}" for index in range(len(bundle.outputs))]:
            # torch_tensorrt numbers them, in the order of the network's outputs.
            self._names = dict(zip(bundle.outputs, outputs, strict=True))
            outputs = list(bundle.outputs)
        check_graph(bundle, inputs, outputs, {})

    def _new_context(self, file: Path | None) -> tuple[Any, Any]:
        """Return the execution context, and a function that saves the compiled kernels.

        TensorRT-RTX compiles an engine for the current GPU when it is loaded, unless it has saved
        kernels.
        """

        def nothing() -> None:
            """Save nothing."""

        if file is None or not hasattr(self._engine, "create_runtime_config"):
            return self._context_or_fail(self._engine.create_execution_context()), nothing
        config = self._engine.create_runtime_config()
        cache = config.create_runtime_cache()
        kept = b""
        with suppress(OSError):
            kept = file.read_bytes()
        known = bool(kept) and bool(cache.deserialize(kept))
        config.set_runtime_cache(cache)
        self._kernels = (config, cache)  # they must live as long as the context
        context = self._context_or_fail(self._engine.create_execution_context(config))

        def save() -> None:
            """Save the kernels for the next start, where the cache can be written."""
            if not known:
                with suppress(OSError):
                    write_atomically(file, bytes(cache.serialize()))

        return context, save

    def _context_or_fail(self, context: Any) -> Any:
        if context is None:
            raise self._failure("cannot prepare the engine")
        return context

    def _bind(self, bundle: Bundle, batch: int) -> None:
        """Set the shapes and the tensor addresses of the context."""

        def buffer(name: str, shape: tuple[int, ...]) -> Buffer:
            made = Buffer(self._cuda, shape)
            self._closing.callback(made.free)
            if not self._context.set_tensor_address(self._names.get(name, name), made.device):
                raise self._failure(f"does not accept '{name}'")
            return made

        shape = (batch, bundle.height, bundle.width, 3)
        if -1 in self._engine.get_tensor_shape(INPUT):
            self._context.set_input_shape(INPUT, shape)
        self._input = buffer(INPUT, shape)
        self._outputs = [buffer(name, (batch, *output_shape(bundle))) for name in bundle.outputs]
        self._input.host[:] = 0

    def _enqueue(self) -> None:
        """Put upload, network and download of one run into the stream."""
        self._input.upload(self._stream)
        if not self._context.execute_async_v3(self._stream):
            raise self._failure("cannot run the engine")
        for output in self._outputs:
            output.download(self._stream)

    def _record(self) -> int | None:
        """Return one run as a CUDA graph, or None and the reason in `graph_problem`."""
        capturable = getattr(self._context, "is_stream_capturable", None)
        if capturable is not None and not capturable(self._stream):
            self.graph_problem = "no CUDA graph: this engine cannot be recorded"
            return None
        graph, executable = c_void_p(), c_void_p()
        try:
            self._cuda.call("cuStreamBeginCapture_v2", self._stream, THREAD_LOCAL)
            try:
                self._enqueue()
            finally:
                self._cuda.call("cuStreamEndCapture", self._stream, byref(graph))
            self._cuda.call("cuGraphInstantiateWithFlags", byref(executable), graph, 0)
        except NightsegError as error:
            self.graph_problem = f"no CUDA graph: {error}"
            self._log.errors.clear()
            self._stream = self._new_stream()  # a failed recording may leave the old one unusable
            return None
        finally:
            if graph.value:
                with suppress(NightsegError):
                    self._cuda.call("cuGraphDestroy", graph)
        self._closing.callback(self._cuda.call, "cuGraphExecDestroy", executable)
        return int(executable.value or 0)
