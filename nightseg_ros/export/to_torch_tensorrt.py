# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Builds a TensorRT engine directly from a checkpoint, by torch_tensorrt, without ONNX.

The result is an ordinary TensorRT engine: it goes into the same cache, runs in the same code and is
compared with the same ONNX file as one that TensorRT built from that file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nightseg_ros.bundles.bundle import TRANSLATION, Bundle
from nightseg_ros.engines.tensorrt.builder import FP32, TF32
from nightseg_ros.engines.tensorrt.engine import PLAN
from nightseg_ros.errors import NightsegError
from nightseg_ros.export.graph import SegmentationGraph, TranslationGraph, fix_pooling
from nightseg_ros.learning.networks.registry import load_checkpoint
from nightseg_ros.learning.translate import load_generator

INSTALL = "pip install '.[torch-tensorrt]' in the folder of nightseg_ros"


def torch_plan_writer(
    bundle: Bundle, checkpoint: Path, precision: str, *, workspace_mib: int
) -> Callable[[Path], Mapping[str, Any]]:
    """Return a function that builds the engine of `checkpoint` into a folder and returns facts."""
    if precision not in (FP32, TF32):
        raise NightsegError(
            f"torch_tensorrt builds {FP32} and {TF32} here, not {precision}: it cannot keep single "
            "layers in 32 bits; use `--engine tensorrt` for other precisions"
        )
    library = torch_library()
    graph = _graph(bundle, checkpoint)

    def write(folder: Path) -> Mapping[str, Any]:
        example = torch.zeros((1, bundle.height, bundle.width, 3), dtype=torch.uint8).cuda()
        convert = library.dynamo.convert_exported_program_to_serialized_trt_engine
        wanted = {
            "disable_tf32": precision == FP32,
            "workspace_size": workspace_mib << 20,
            "use_explicit_typing": True,
        }
        known = inspect.signature(convert).parameters
        options = {name: value for name, value in wanted.items() if name in known}
        try:
            program = torch.export.export(graph.cuda(), (example,))
            plan = convert(program, [example], **options)
        except Exception as error:  # whatever its converters raise
            reason = " ".join(str(error).split())[:240] or type(error).__name__
            raise NightsegError(
                f"bundle {bundle.name}: torch_tensorrt {library.__version__} cannot convert "
                f"{checkpoint} ({reason}); use `--engine tensorrt`, which reads the ONNX file"
            ) from error
        (folder / PLAN).write_bytes(plan)
        return {
            "builder": f"torch_tensorrt {library.__version__}",
            "checkpoint": str(checkpoint),
            "workspace_mib": workspace_mib,
        }

    return write


def _graph(bundle: Bundle, checkpoint: Path) -> nn.Module:
    """Return the graph that is exported as ONNX, with the weights of a checkpoint."""
    if bundle.kind == TRANSLATION:
        return TranslationGraph(load_generator(checkpoint)).eval()
    network, _, _ = load_checkpoint(checkpoint)
    fix_pooling(network, bundle.height, bundle.width)
    return SegmentationGraph(network).eval()


def torch_library() -> Any:
    """Return torch_tensorrt where it can build, else raise with what it lacks."""
    try:
        import torch_tensorrt
    except Exception as error:  # it loads the libraries of TensorRT, which fails in many ways
        raise NightsegError(
            f"torch_tensorrt cannot be imported ({' '.join(str(error).split())[:160]}); {INSTALL}, "
            "or use `--engine tensorrt`, which needs no torch"
        ) from error
    if not torch.cuda.is_available():
        raise NightsegError(
            "torch_tensorrt builds an engine on the GPU that will run it, and torch finds none "
            "here; build on the machine with the GPU"
        )
    return torch_tensorrt
