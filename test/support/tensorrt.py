# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A CUDA driver and TensorRTs without a GPU: they keep account, and compute what numpy computes.

Functions of the driver are real foreign functions (of ctypes), so that types are converted as they
are for the real one; memory "on the GPU" is memory of the host. A graph that is recorded is a list
of what was put into the stream.
"""

from __future__ import annotations

import ctypes
import enum
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from support import models as tiny

from nightseg_ros.bundles.onnx_file import read_metadata
from nightseg_ros.engines.tensorrt.cuda_driver import FUNCTIONS, MAJOR

Step = Callable[[], None]


class FakeDriver:
    """libcuda of a machine with one GPU; `fail_at` makes the call of that number fail."""

    def __init__(self, name: str = "Fake L4", capability: tuple[int, int] = (8, 9)) -> None:
        self.name, self.capability, self.count = name, capability, 1
        self.calls: list[str] = []
        self.fail_at = -1
        self.status = 2  # out of memory
        self.memory: dict[int, Any] = {}
        self.open = {"context": 0, "stream": 0, "graph": 0, "executable": 0}
        self.recording: list[Step] | None = None
        self.graphs: dict[int, list[Step]] = {}
        self.launches = 0
        for function, types in FUNCTIONS.items():
            # A callback gets text as a copy: to write into it, it needs the address.
            plain = [ctypes.c_void_p if kind is ctypes.c_char_p else kind for kind in types]
            prototype = ctypes.CFUNCTYPE(ctypes.c_int, *plain)
            setattr(self, function, prototype(self._wrap(function)))

    def _wrap(self, function: str) -> Callable[..., int]:
        work = getattr(self, f"_{function}")

        def call(*arguments: Any) -> int:
            if function == "cuGetErrorString":
                work(*arguments)
                return 0
            self.calls.append(function)
            if len(self.calls) - 1 == self.fail_at:
                if function == "cuStreamEndCapture":
                    self.recording = None
                return self.status
            return work(*arguments) or 0

        return call

    @property
    def clean(self) -> bool:
        """Return whether all resources were freed."""
        return not self.memory and not any(self.open.values())

    def submit(self, step: Step) -> None:
        """Do a step, or record it."""
        if self.recording is None:
            step()
        else:
            self.recording.append(step)

    def _cuInit(self, flags: int) -> None: ...  # noqa: N802

    def _cuGetErrorString(self, status: int, text: Any) -> None:  # noqa: N802
        text[0] = b"made up"

    def _cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count[0] = self.count

    def _cuDeviceGet(self, device: Any, index: int) -> None:  # noqa: N802
        device[0] = index

    def _cuDeviceGetName(self, name: int, size: int, device: int) -> None:  # noqa: N802
        ctypes.memmove(name, self.name.encode() + b"\0", len(self.name) + 1)

    def _cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> None:  # noqa: N802
        value[0] = self.capability[attribute - MAJOR]

    def _cuDeviceTotalMem_v2(self, memory: Any, device: int) -> None:  # noqa: N802
        memory[0] = 24 << 30

    def _cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> None:  # noqa: N802
        self.open["context"] += 1
        context[0] = 77

    def _cuDevicePrimaryCtxRelease_v2(self, device: int) -> None:  # noqa: N802
        self.open["context"] -= 1

    def _cuCtxSetCurrent(self, context: int) -> None:  # noqa: N802
        assert context == 77

    def _allocate(self, size: int) -> int:
        memory = (ctypes.c_uint8 * size)()
        address = ctypes.addressof(memory)
        self.memory[address] = memory
        return address

    def _cuMemAlloc_v2(self, address: Any, size: int) -> None:  # noqa: N802
        address[0] = self._allocate(size)

    def _cuMemFree_v2(self, address: int) -> None:  # noqa: N802
        del self.memory[address]

    def _cuMemHostAlloc(self, address: Any, size: int, flags: int) -> None:  # noqa: N802
        address[0] = self._allocate(size)

    def _cuMemFreeHost(self, address: int) -> None:  # noqa: N802
        del self.memory[address]

    def _cuMemcpyHtoDAsync_v2(self, to: int, of: int, size: int, stream: int) -> None:  # noqa: N802
        self.submit(lambda: ctypes.memmove(to, of, size) and None)

    def _cuMemcpyDtoHAsync_v2(self, to: int, of: int, size: int, stream: int) -> None:  # noqa: N802
        self.submit(lambda: ctypes.memmove(to, of, size) and None)

    def _cuStreamCreate(self, stream: Any, flags: int) -> None:  # noqa: N802
        self.open["stream"] += 1
        stream[0] = 1000 + len(self.calls)

    def _cuStreamSynchronize(self, stream: int) -> None:  # noqa: N802
        assert self.recording is None

    def _cuStreamDestroy_v2(self, stream: int) -> None:  # noqa: N802
        self.open["stream"] -= 1

    def _cuStreamBeginCapture_v2(self, stream: int, mode: int) -> None:  # noqa: N802
        self.recording = []

    def _cuStreamEndCapture(self, stream: int, graph: Any) -> None:  # noqa: N802
        assert self.recording is not None
        graph[0] = 5000 + len(self.calls)
        self.graphs[graph[0]] = self.recording
        self.recording = None
        self.open["graph"] += 1

    def _cuGraphInstantiateWithFlags(self, made: Any, graph: int, flags: int) -> None:  # noqa: N802
        made[0] = graph + 1
        self.graphs[graph + 1] = self.graphs[graph]
        self.open["executable"] += 1

    def _cuGraphLaunch(self, graph: int, stream: int) -> None:  # noqa: N802
        self.launches += 1
        for step in self.graphs[graph]:
            step()

    def _cuGraphExecDestroy(self, graph: int) -> None:  # noqa: N802
        self.open["executable"] -= 1

    def _cuGraphDestroy(self, graph: int) -> None:  # noqa: N802
        self.open["graph"] -= 1


class _Severity(enum.Enum):
    INTERNAL_ERROR, ERROR, WARNING = range(3)


class FakeTensorRt:
    """The module `tensorrt` (or `tensorrt_rtx`) of one version, as far as it is used."""

    def __init__(self, driver: FakeDriver | None, version: str, *, rtx: bool = False) -> None:
        major = 11 if rtx else int(version.split(".")[0])
        self.__version__, self.driver = version, driver
        self.refuse = ""
        self.wrong_by = 0
        self.compiled: list[bool] = []
        self.built: list[Any] = []
        self.plugins = 0

        class ILogger:
            INTERNAL_ERROR, ERROR = _Severity.INTERNAL_ERROR, _Severity.ERROR

        self.ILogger = ILogger
        self.DataType = enum.Enum("DataType", "UINT8 FLOAT HALF")
        self.TensorIOMode = enum.Enum("TensorIOMode", "INPUT OUTPUT")
        self.MemoryPoolType = enum.Enum("MemoryPoolType", "WORKSPACE")
        self.LayerType = enum.Enum("LayerType", "CONSTANT SHUFFLE IDENTITY CONVOLUTION")
        self.IExecutionContext = SimpleNamespace(execute_async_v3=None)
        flags = ["TF32"] + (["FP16", "INT8", "OBEY_PRECISION_CONSTRAINTS"] if major < 11 else [])
        self.BuilderFlag = enum.Enum("BuilderFlag", flags)
        kinds = {"EXPLICIT_BATCH": 0} if major < 10 else {}
        kinds |= {"STRONGLY_TYPED": 0 if rtx else 1} if major >= 10 else {}
        self.NetworkDefinitionCreationFlag = enum.IntEnum("Flags", kinds)
        self.OnnxParserFlag = enum.Enum("OnnxParserFlag", "NATIVE_INSTANCENORM")
        self.init_libnvinfer_plugins = self._plugins
        self.layer = _Layer if major >= 11 else _WeakLayer
        if rtx:
            self.ComputeCapability = enum.Enum("ComputeCapability", "SM75 SM86 SM89")
        self.Builder = lambda log: _Builder(self, log)
        self.OnnxParser = lambda network, log: _Parser(self, network, log)
        self.Runtime = lambda log: _Runtime(self, log, rtx=rtx)

    def _plugins(self, log: Any, name: str) -> None:
        self.plugins += 1


class _Builder:
    def __init__(self, trt: FakeTensorRt, log: Any) -> None:
        if trt.driver is None and not hasattr(trt, "ComputeCapability"):
            log.log(_Severity.ERROR, "CUDA initialization failure with error: 35")
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self.trt, self.log = trt, log

    def create_network(self, flags: int) -> Any:
        return SimpleNamespace(flags=flags)

    def create_optimization_profile(self) -> Any:
        profile = SimpleNamespace(shapes=[])
        profile.set_shape = lambda *shapes: profile.shapes.append(shapes)
        return profile

    def create_builder_config(self) -> Any:
        config = SimpleNamespace(flags=set(), profiles=[], pools={}, capabilities=[], timings=[])
        config.set_flag = config.flags.add
        config.clear_flag = config.flags.discard
        config.set_memory_pool_limit = config.pools.__setitem__
        config.add_optimization_profile = config.profiles.append
        config.set_compute_capability = lambda which, index: config.capabilities.append(which)
        config.create_timing_cache = lambda data: SimpleNamespace(serialize=lambda: data + b"t")
        config.set_timing_cache = lambda cache, ignore_mismatch: not config.timings.append(cache)
        config.get_timing_cache = lambda: config.timings[-1]
        return config

    def build_serialized_network(self, network: Any, config: Any) -> bytes | None:
        if self.trt.refuse:
            self.log.log(_Severity.ERROR, self.trt.refuse)
            return None
        self.trt.built.append(SimpleNamespace(network=network, config=config))
        shape = list(network.get_input(0).shape)
        plan = {"version": self.trt.__version__, "shape": shape, "outputs": network.names}
        return json.dumps(plan).encode()


class _Parser:
    num_errors = 1

    def __init__(self, trt: FakeTensorRt, network: Any, log: Any) -> None:
        self.trt, self.network, self.flags = trt, network, []
        self.set_flag = self.flags.append

    def get_error(self, index: int) -> str:
        return "In node 0 (parseNode): UNSUPPORTED_NODE: Assertion failed"

    def parse(self, data: bytes) -> bool:
        import onnx

        try:
            graph = onnx.load_from_string(data).graph
        except Exception:
            return False
        kinds = {2: self.trt.DataType.UINT8, 1: self.trt.DataType.FLOAT}

        def tensor(value: Any) -> Any:
            dims = value.type.tensor_type.shape.dim
            shape = tuple(-1 if dim.dim_param else dim.dim_value for dim in dims)
            dtype = kinds.get(value.type.tensor_type.elem_type)
            return SimpleNamespace(name=value.name, shape=shape, dtype=dtype)

        types, kind = self.trt.DataType, self.trt.LayerType
        layers = [
            self.trt.layer(kind.CONSTANT, types.FLOAT),
            self.trt.layer(kind.CONVOLUTION, types.FLOAT),
            self.trt.layer(kind.CONVOLUTION, types.HALF),
        ]
        inputs, outputs = ([tensor(v) for v in part] for part in (graph.input, graph.output))
        self.network.num_inputs, self.network.get_input = len(inputs), inputs.__getitem__
        self.network.num_outputs, self.network.get_output = len(outputs), outputs.__getitem__
        self.network.num_layers, self.network.get_layer = len(layers), layers.__getitem__
        self.network.layers, self.network.parser_flags = layers, self.flags
        self.network.names = [output.name for output in outputs]
        self.network.metadata = read_metadata(data)
        return True


class _Layer:
    num_outputs = 1

    def __init__(self, kind: Any, dtype: Any) -> None:
        self.type, self.dtype, self.precision, self.forced = kind, dtype, None, None

    def get_output(self, index: int) -> Any:
        return SimpleNamespace(dtype=self.dtype)


class _WeakLayer(_Layer):
    """One of a network whose types the builder may choose; TensorRT 11 has none any more."""

    def set_output_type(self, index: int, dtype: Any) -> None:
        self.forced = dtype


class _Runtime:
    def __init__(self, trt: FakeTensorRt, log: Any, *, rtx: bool) -> None:
        self.trt, self.log, self.rtx = trt, log, rtx

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        content = json.loads(plan)
        if content["version"] != self.trt.__version__:
            self.log.log(_Severity.ERROR, "Serialization assertion failed. Version tag mismatch")
            return None
        return _Engine(self.trt, content, rtx=self.rtx)


class _Engine:
    def __init__(self, trt: FakeTensorRt, content: dict[str, Any], *, rtx: bool) -> None:
        self.trt, self.names = trt, ["image", *content["outputs"]]
        batch, height, width, _ = content["shape"]
        plain = content["outputs"] == ["translated"]
        shape = (batch, height, width, 3) if plain else (batch, height, width)
        self.shapes = dict.fromkeys(self.names, shape) | {"image": tuple(content["shape"])}
        self.num_io_tensors = len(self.names)
        if rtx:
            self.create_runtime_config = self._config

    def get_tensor_name(self, index: int) -> str:
        return self.names[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def get_tensor_mode(self, name: str) -> Any:
        modes = self.trt.TensorIOMode
        return modes.INPUT if name == "image" else modes.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return self.trt.DataType.UINT8

    def _config(self) -> Any:
        config = SimpleNamespace(cache=None)

        def create() -> Any:
            cache = SimpleNamespace(known=False, serialize=lambda: b"kernels")

            def deserialize(data: bytes) -> bool:
                cache.known = data == b"kernels"
                return cache.known

            cache.deserialize = deserialize
            return cache

        config.create_runtime_cache = create
        config.set_runtime_cache = lambda cache: setattr(config, "cache", cache)
        return config

    def create_execution_context(self, config: Any = None) -> Any:
        if config is not None:
            self.trt.compiled.append(not config.cache.known)
        return _Context(self)


class _Context:
    def __init__(self, engine: _Engine) -> None:
        self.engine, self.at = engine, {}
        self.input_shape = engine.shapes["image"]

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.input_shape = shape
        return True

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.at[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        assert stream >= 1000
        self.engine.trt.driver.submit(self._compute)
        return True

    def _compute(self) -> None:
        def view(name: str, shape: tuple[int, ...]) -> Any:
            size = int(np.prod(shape))
            memory = (ctypes.c_uint8 * size).from_address(self.at[name])
            return np.frombuffer(memory, np.uint8).reshape(shape)

        images = view("image", self.input_shape)
        if "translated" in self.at:
            brighter = np.minimum(images.astype(int) + tiny.BRIGHTER, 255)
            view("translated", images.shape)[:] = brighter
            return
        wrong = self.engine.trt.wrong_by
        view("mask", images.shape[:3])[:] = (tiny.expected_mask(images) + wrong) % 19
        view("confidence", images.shape[:3])[:] = images[..., 1]
