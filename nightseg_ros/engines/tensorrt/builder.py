# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds a TensorRT engine from an ONNX file, in the precision of the file.

TensorRT 11 has no options for precision, so there are none here: a network is built strongly typed
wherever TensorRT supports it. TensorRT 8.6 needs flags for the types in the file, and to keep
32-bit layers. TF32 is the exception: it is not a type of ONNX but the way in which tensor cores
multiply 32-bit floats, and a separate precision here.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightseg_ros.bundles.onnx_file import read_metadata
from nightseg_ros.engines.graph_check import INPUT, PRECISION_KEY, check_graph
from nightseg_ros.engines.tensorrt.library import PORTABLE, TENSORRT, Library
from nightseg_ros.engines.tensorrt.messages import create_log, explain
from nightseg_ros.errors import NightsegError
from nightseg_ros.files.atomic import write_atomically

if TYPE_CHECKING:
    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.tensorrt.cuda_driver import Gpu

FP32, TF32, FP16, INT8 = "fp32", "tf32", "fp16", "int8"
PRECISIONS = (INT8, FP16, TF32, FP32)
"""The fastest first."""
TF32_FROM = (8, 0)
"""The compute capability that introduced TF32."""
WORKSPACE_MIB = 1024


def default_precision(onnx: bytes, gpu: Gpu | None) -> str:
    """Return the fastest precision that preserves the results of `onnx`."""
    written = read_metadata(onnx).get(PRECISION_KEY, FP32)
    modern = gpu is None or gpu.capability >= TF32_FROM
    return TF32 if written == FP32 and modern else written


def build_plan(
    library: Library,
    bundle: Bundle,
    onnx: bytes,
    precision: str,
    *,
    gpu: Gpu | None,
    batch: int = 1,
    workspace_mib: int = WORKSPACE_MIB,
    timing_cache: Path | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """Return the engine of `onnx`, a version of the network of `bundle`, and facts about it."""
    _check_precision(bundle, onnx, precision)
    begin = time.monotonic()
    build = _Build(library, bundle)
    network, parser = build.parse(onnx)
    build.check(network, onnx, batch)
    config = build.config(precision, workspace_mib, library.target(gpu), gpu)
    build.shapes(network, config, batch)
    if not library.strongly_typed:
        build.allow_types(network, config, precision)
    build.load_timings(config, timing_cache)
    plan = build.serialize(network, config)
    build.save_timings(config, timing_cache)
    del parser  # it owns the weights, so it must outlive the build
    return plan, {
        "builder": library.name,
        "strongly_typed": library.strongly_typed,
        "workspace_mib": workspace_mib,
        "build_s": round(time.monotonic() - begin, 1),
    }


def _check_precision(bundle: Bundle, onnx: bytes, precision: str) -> None:
    written = read_metadata(onnx).get(PRECISION_KEY, FP32)
    fitting = (TF32, FP32) if written == FP32 else (written,)
    if precision not in fitting:
        raise NightsegError(
            f"bundle {bundle.name}: its ONNX file is {written}, so an engine of it is "
            f"{' or '.join(fitting)}, not {precision}; TensorRT takes the precision from the file: "
            "name a model that was exported in that precision"
        )


class _Build:
    """One builder with its log; a failed step raises one line with the remedy."""

    def __init__(self, library: Library, bundle: Bundle) -> None:
        self.trt, self.library, self.bundle = library.module, library, bundle
        self.log = create_log(self.trt)
        self.timings: Any = None
        if hasattr(self.trt, "init_libnvinfer_plugins"):  # 8.6 normalises instances in a plug-in
            self.trt.init_libnvinfer_plugins(self.log, "")
            self.log.errors.clear()
        try:
            self.builder = self.trt.Builder(self.log)
        except Exception as error:  # "factory function returned nullptr", where there is no GPU
            raise self.failure("cannot start", str(error)) from error

    def failure(self, what: str, otherwise: str) -> NightsegError:
        """Return the error that the log explains."""
        reason = explain(self.log.errors, otherwise)
        return NightsegError(f"bundle {self.bundle.name}: {self.library.name} {what}: {reason}")

    def parse(self, onnx: bytes) -> tuple[Any, Any]:
        """Return the network of an ONNX file, and the parser that owns its weights."""
        kinds = self.trt.NetworkDefinitionCreationFlag
        flags = 0
        if self.library.strongly_typed:
            flags |= 1 << int(kinds.STRONGLY_TYPED)
        if self.library.kind == TENSORRT and self.library.major < 10:
            flags |= 1 << int(kinds.EXPLICIT_BATCH)
        network = self.builder.create_network(flags)
        parser = self.trt.OnnxParser(network, self.log)
        if hasattr(getattr(self.trt, "OnnxParserFlag", None), "NATIVE_INSTANCENORM"):
            parser.set_flag(self.trt.OnnxParserFlag.NATIVE_INSTANCENORM)
        if not parser.parse(onnx):
            messages = [str(parser.get_error(index)) for index in range(parser.num_errors)]
            raise NightsegError(
                f"bundle {self.bundle.name}: {self.library.name} cannot read "
                f"{self.bundle.onnx_path.name}: {explain(messages or self.log.errors)}; "
                "`nightseg export` writes a file that it can read"
            )
        return network, parser

    def check(self, network: Any, onnx: bytes, batch: int) -> None:
        """Refuse a network that does not match model.yaml or this batch."""
        inputs = [network.get_input(index) for index in range(network.num_inputs)]
        outputs = [network.get_output(index) for index in range(network.num_outputs)]
        shapes = {tensor.name: [1, *list(tensor.shape)[1:]] for tensor in inputs}
        names = [tensor.name for tensor in outputs]
        check_graph(self.bundle, shapes, names, read_metadata(onnx))
        for tensor in (*inputs, *outputs):
            if tensor.dtype != self.trt.DataType.UINT8:
                raise NightsegError(
                    f"bundle {self.bundle.name}: '{tensor.name}' of the network is "
                    f"{tensor.dtype}, need uint8; export the bundle again"
                )
        fixed = inputs[0].shape[0]
        if fixed not in (-1, batch):
            raise NightsegError(
                f"bundle {self.bundle.name}: the network takes {fixed} image at a time, not "
                f"{batch}; export the model for any batch"
            )

    def config(self, precision: str, workspace_mib: int, target: str, gpu: Gpu | None) -> Any:
        """Return the settings of a build."""
        trt, config = self.trt, self.builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib << 20)
        (config.set_flag if precision == TF32 else config.clear_flag)(trt.BuilderFlag.TF32)
        if self.library.kind != TENSORRT and target != PORTABLE and gpu is not None:
            # The portable engines of TensorRT-RTX do not include Turing.
            name = "SM{}{}".format(*gpu.capability)
            wanted = getattr(trt.ComputeCapability, name, None)
            if wanted is None:
                raise NightsegError(f"{self.library.name} does not support {gpu.label}")
            config.num_compute_capabilities = 1
            config.set_compute_capability(wanted, 0)
        return config

    def shapes(self, network: Any, config: Any, batch: int) -> None:
        """Set the one batch size of a network that takes several."""
        if network.get_input(0).shape[0] != -1:
            return
        profile = self.builder.create_optimization_profile()
        shape = (batch, self.bundle.height, self.bundle.width, 3)
        profile.set_shape(INPUT, shape, shape, shape)
        config.add_optimization_profile(profile)

    def allow_types(self, network: Any, config: Any, precision: str) -> None:
        """Let a weakly typed network (8.6) use the types of the file."""
        if precision not in (FP16, INT8):
            return
        trt = self.trt
        config.set_flag(getattr(trt.BuilderFlag, precision.upper()))
        config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
        typeless = ("CONSTANT", "SHUFFLE", "IDENTITY", "CAST", "CONCATENATION", "SLICE")
        for index in range(network.num_layers):
            layer = network.get_layer(index)
            if layer.type in {getattr(trt.LayerType, name, None) for name in typeless}:
                continue
            if layer.num_outputs and layer.get_output(0).dtype == trt.DataType.FLOAT:
                layer.precision = trt.DataType.FLOAT
                layer.set_output_type(0, trt.DataType.FLOAT)

    def load_timings(self, config: Any, path: Path | None) -> None:
        """Load the timings of earlier builds: measuring takes most of the time of a build."""
        if path is None or self.library.kind != TENSORRT or not hasattr(config, "set_timing_cache"):
            return
        data = b""
        with suppress(OSError):
            data = path.read_bytes()
        # The builder keeps no reference: this object does, until the engine is built.
        self.timings = config.create_timing_cache(data)
        fits = self.timings is not None
        if not fits or not config.set_timing_cache(self.timings, ignore_mismatch=False):
            self.timings = config.create_timing_cache(b"")
            config.set_timing_cache(self.timings, ignore_mismatch=False)
        self.log.errors.clear()  # timings of another GPU deserve no warning

    def save_timings(self, config: Any, path: Path | None) -> None:
        """Save the timings for later builds, where possible."""
        if path is None or self.library.kind != TENSORRT or not hasattr(config, "get_timing_cache"):
            return
        cache = config.get_timing_cache()
        if cache is not None:
            with suppress(OSError):  # they only save time
                write_atomically(path, bytes(cache.serialize()))

    def serialize(self, network: Any, config: Any) -> bytes:
        """Return the engine."""
        try:
            plan = self.builder.build_serialized_network(network, config)
        except MemoryError as error:
            raise self.failure("cannot build", "out of memory") from error
        if plan is None:
            raise self.failure("cannot build", "it gave no reason")
        return bytes(plan)
