# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What torch_tensorrt is asked for, and one clear line where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from nightseg_ros.bundles.bundle import SEGMENTATION, Bundle  # noqa: E402
from nightseg_ros.bundles.write import write_bundle  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.to_torch_tensorrt import torch_plan_writer  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    save_checkpoint,
)

HEIGHT, WIDTH = 64, 96


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    facts: dict[str, Any] = {"name": "net", "kind": SEGMENTATION, "route": "day"}
    size = {"height": HEIGHT, "width": WIDTH}
    return write_bundle(tmp_path / "net", b"onnx", labels=CITYSCAPES19, **facts, **size)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    config = NetworkConfig(name="erf_pspnet", classes=19, width=0.25)
    save_checkpoint(tmp_path / "model.pt", create_network(config), config, {})
    return tmp_path / "model.pt"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """torch_tensorrt on a machine whose GPU is the CPU."""

    def convert(program: Any, inputs: Any, *, disable_tf32: bool, workspace_size: int) -> bytes:
        module.asked = (program, inputs, disable_tf32, workspace_size)
        if module.refuse:
            raise RuntimeError("Conversion of function\naten.foo not supported")
        return b"plan"

    module: Any = ModuleType("torch_tensorrt")
    module.__version__ = "2.13.0"
    module.refuse = False
    module.dynamo = SimpleNamespace(convert_exported_program_to_serialized_trt_engine=convert)
    monkeypatch.setitem(sys.modules, "torch_tensorrt", module)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    monkeypatch.setattr(torch.nn.Module, "cuda", lambda self: self)
    return module


@pytest.mark.parametrize(("precision", "no_tf32"), [("tf32", False), ("fp32", True)])
def test_the_graph_that_is_exported_is_the_one_that_is_built(
    precision: str, no_tf32: bool, bundle: Bundle, checkpoint: Path, library: Any, tmp_path: Path
) -> None:
    facts = torch_plan_writer(bundle, checkpoint, precision, workspace_mib=64)(tmp_path)
    assert (tmp_path / "engine.plan").read_bytes() == b"plan"
    assert facts["builder"] == "torch_tensorrt 2.13.0"
    program, (example,), disable_tf32, workspace = library.asked
    assert (disable_tf32, workspace) == (no_tf32, 64 << 20)
    assert (tuple(example.shape), example.dtype) == ((1, HEIGHT, WIDTH, 3), torch.uint8)
    mask, confidence = program.module()(example)
    assert mask.shape == confidence.shape == (1, HEIGHT, WIDTH)
    assert mask.dtype == confidence.dtype == torch.uint8


def test_what_it_cannot_convert_is_one_line_with_a_remedy(
    bundle: Bundle, checkpoint: Path, library: Any, tmp_path: Path
) -> None:
    library.refuse = True
    with pytest.raises(
        NightsegError, match=r"aten\.foo not supported.*`--engine tensorrt`"
    ) as logged:
        torch_plan_writer(bundle, checkpoint, "tf32", workspace_mib=64)(tmp_path)
    assert "\n" not in str(logged.value)


def test_precisions_that_it_would_get_wrong_are_refused(
    bundle: Bundle, checkpoint: Path, library: Any
) -> None:
    with pytest.raises(NightsegError, match="builds fp32 and tf32 here, not fp16"):
        torch_plan_writer(bundle, checkpoint, "fp16", workspace_mib=64)


def test_what_is_missing_is_named(
    bundle: Bundle, checkpoint: Path, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NightsegError, match="torch finds none here"):
        torch_plan_writer(bundle, checkpoint, "tf32", workspace_mib=64)
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    with pytest.raises(NightsegError, match=r"torch_tensorrt cannot be imported.*torch-tensorrt\]"):
        torch_plan_writer(bundle, checkpoint, "tf32", workspace_mib=64)
