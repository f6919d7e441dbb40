# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fake TensorRT of the tests has no class, name or number that the real one has not.

So a test that goes through the fake fails when the code calls what does not exist.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support import models as tiny
from support.tensorrt import FakeDriver, FakeTensorRt

trt = pytest.importorskip("tensorrt_rtx", reason="needs the extra tensorrt-rtx")

BOOKKEEPING = {"driver", "refuse", "wrong_by", "compiled", "built", "plugins", "layer"}
"""What the fake has for the tests."""


@pytest.fixture(scope="module")
def fake() -> FakeTensorRt:
    return FakeTensorRt(FakeDriver(), trt.__version__, rtx=True)


def parts(fake: FakeTensorRt) -> dict[str, Any]:
    """Return one object of every class that the fake plays, by the name of the real class."""
    log = SimpleNamespace(log=print)
    builder = fake.Builder(log)
    network, config = builder.create_network(1), builder.create_builder_config()
    parser = fake.OnnxParser(network, log)
    assert parser.parse(tiny.segmenter_onnx())
    engine = fake.Runtime(log).deserialize_cuda_engine(
        builder.build_serialized_network(network, config)
    )
    runtime_config = engine.create_runtime_config()
    return {
        "Builder": builder,
        "INetworkDefinition": network,
        "ILayer": network.get_layer(0),
        "ITensor": network.get_input(0),
        "OnnxParser": parser,
        "IBuilderConfig": config,
        "IOptimizationProfile": builder.create_optimization_profile(),
        "ITimingCache": config.create_timing_cache(b""),
        "Runtime": fake.Runtime(log),
        "ICudaEngine": engine,
        "IRuntimeConfig": runtime_config,
        "IRuntimeCache": runtime_config.create_runtime_cache(),
        "IExecutionContext": engine.create_execution_context(),
    }


def test_every_method_of_the_fake_is_one_of_the_real_class(fake: FakeTensorRt) -> None:
    invented = [
        f"{owner}.{name}"
        for owner, part in parts(fake).items()
        for name in dir(part)
        if not name.startswith("_") and callable(getattr(part, name))
        if not hasattr(getattr(trt, owner), name)
    ]
    assert invented == []


def test_every_name_of_the_fake_module_is_one_of_the_real_module(fake: FakeTensorRt) -> None:
    names = {name for name in vars(fake) if not name.startswith("__")} - BOOKKEEPING
    assert {"Builder", "BuilderFlag", "Runtime"} <= names
    assert [name for name in names if not hasattr(trt, name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "BuilderFlag", "ComputeCapability", "DataType", "LayerType", "MemoryPoolType",
        "NetworkDefinitionCreationFlag", "OnnxParserFlag", "TensorIOMode",
    ],
)  # fmt: skip
def test_every_member_of_an_enumeration_is_real(fake: FakeTensorRt, name: str) -> None:
    members = set(getattr(fake, name).__members__)
    assert members
    assert members <= set(getattr(trt, name).__members__)


def test_flags_of_networks_have_the_real_numbers(fake: FakeTensorRt) -> None:
    for flag in fake.NetworkDefinitionCreationFlag:
        assert int(flag) == int(trt.NetworkDefinitionCreationFlag.__members__[flag.name])
