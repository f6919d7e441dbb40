# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The real TensorRT-RTX reads and builds our networks; other versions are asked as they must be.

TensorRT-RTX builds without a GPU. `tensorrt` does not, so what its versions are asked for in other
ways is tested with a fake; test_fake_tensorrt.py holds that against the real TensorRT-RTX.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import onnx
import pytest
from onnx import TensorProto
from support import models as tiny
from support.tensorrt import FakeDriver, FakeTensorRt

from nightseg_ros.bundles.bundle import Bundle
from nightseg_ros.bundles.models_folder import default_models_dir, find_bundles
from nightseg_ros.engines.tensorrt.builder import build_plan, default_precision
from nightseg_ros.engines.tensorrt.cuda_driver import Gpu
from nightseg_ros.engines.tensorrt.library import (
    PORTABLE,
    RTX,
    TENSORRT,
    Library,
    load_library,
)
from nightseg_ros.errors import NightsegError

L4 = Gpu(0, "NVIDIA L4", (8, 9), 24 << 30)
TURING = Gpu(0, "NVIDIA T4", (7, 5), 16 << 30)
HALF = {"nightseg_precision": "fp16"}


@pytest.fixture(scope="module")
def rtx() -> Library:
    if importlib.util.find_spec("tensorrt_rtx") is None:
        pytest.skip("tensorrt_rtx is not installed: pip install '.[tensorrt-rtx]'")
    return load_library((RTX,))


def build(library: Library, bundle: Bundle, gpu: Gpu | None = None, **options: Any) -> bytes:
    onnx = bundle.read_model()
    precision = options.pop("precision", default_precision(onnx, gpu))
    return build_plan(library, bundle, onnx, precision, gpu=gpu, **options)[0]


@pytest.mark.parametrize("make", [tiny.segmenter, tiny.translator])
def test_the_real_tensorrt_builds_an_engine(make: Any, rtx: Library, tmp_path: Path) -> None:
    bundle = make(tmp_path / "net")
    onnx = bundle.read_model()
    plan, facts = build_plan(rtx, bundle, onnx, "tf32", gpu=None)
    assert len(plan) > 10_000
    assert facts["builder"] == rtx.name
    assert facts["strongly_typed"] is True


class Watched:
    """The real TensorRT, of which every network and every configuration is kept to be looked at."""

    def __init__(self, module: Any) -> None:
        self.module, self.networks, self.configs = module, [], []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def Builder(self, log: Any) -> Any:  # noqa: N802
        builder = self.module.Builder(log)

        def keep(made: list[Any], make: Any) -> Any:
            return lambda *arguments: made.append(make(*arguments)) or made[-1]

        return SimpleNamespace(
            create_network=keep(self.networks, builder.create_network),
            create_builder_config=keep(self.configs, builder.create_builder_config),
            create_optimization_profile=builder.create_optimization_profile,
            build_serialized_network=builder.build_serialized_network,
        )


@pytest.fixture
def watched(rtx: Library) -> Watched:
    return Watched(rtx.module)


def test_the_real_tensorrt_is_asked_for_the_precision_and_the_memory(
    watched: Watched, tmp_path: Path
) -> None:
    library, trt = Library(watched, RTX), watched.module  # type: ignore[arg-type]
    bundle = tiny.segmenter(tmp_path / "net")
    for precision in ("tf32", "fp32"):
        build(library, bundle, precision=precision, workspace_mib=64)
    assert [config.get_flag(trt.BuilderFlag.TF32) for config in watched.configs] == [True, False]
    for config, network in zip(watched.configs, watched.networks, strict=True):
        assert config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE) == 64 << 20
        assert config.num_optimization_profiles == 0
        assert network.get_flag(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def test_the_real_tensorrt_is_reported_the_one_size_of_a_network_for_any_batch(
    watched: Watched, tmp_path: Path
) -> None:
    model = onnx.load_from_string(tiny.segmenter_onnx())
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    bundle = tiny.segmenter(tmp_path / "net", onnx=model.SerializeToString())
    build(Library(watched, RTX), bundle, batch=4)  # type: ignore[arg-type]
    assert watched.networks[0].get_input(0).shape[0] == -1
    assert watched.configs[0].num_optimization_profiles == 1


def test_turing_gets_an_engine_of_its_own_from_the_real_rtx(
    watched: Watched, tmp_path: Path
) -> None:
    bundle = tiny.segmenter(tmp_path / "net")
    library = Library(watched, RTX)  # type: ignore[arg-type]
    portable, turing = build(library, bundle, L4), build(library, bundle, TURING)
    assert portable != turing
    _, config = watched.configs
    assert config.num_compute_capabilities == 1
    assert config.get_compute_capability(0) == watched.module.ComputeCapability.SM75
    assert library.target(TURING) == "NVIDIA T4 sm75"
    assert library.target(L4) == library.target(None) == PORTABLE
    with pytest.raises(NightsegError, match="does not support NVIDIA GTX 1080 sm61"):
        build(library, bundle, Gpu(0, "NVIDIA GTX 1080", (6, 1), 8 << 30))


@pytest.mark.slow
def test_the_real_tensorrt_builds_every_shipped_model(rtx: Library) -> None:
    folders = find_bundles(default_models_dir())
    assert folders
    for folder in folders:
        bundle = Bundle.load(folder)
        assert len(build(rtx, bundle)) > bundle.onnx_path.stat().st_size


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (b"garbage", r"cannot read model\.onnx: .*Failed to parse the ONNX model"),
        (tiny.segmenter_onnx()[:-100], r"cannot read model\.onnx"),
        (tiny.segmenter_onnx(height=32), "the network takes"),
        (tiny.translator_onnx(), "the network lacks output confidence, mask"),
        (tiny.segmenter_onnx(mask_type=TensorProto.INT32), "'mask' of the network is .*INT32"),
        (tiny.segmenter_onnx(metadata={"nightseg_classes": "11"}), "the network has 11 classes"),
    ],
    ids=["garbage", "truncated", "size", "outputs", "type", "classes"],
)
def test_a_wrong_onnx_is_one_clear_line(
    network: bytes, reason: str, rtx: Library, tmp_path: Path
) -> None:
    with pytest.raises(NightsegError, match=reason) as caught:
        build(rtx, tiny.segmenter(tmp_path / "net", onnx=network))
    assert "\n" not in str(caught.value)


def test_bytes_inside_the_network_are_refused_with_the_node(rtx: Library, tmp_path: Path) -> None:
    from onnx import helper

    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 48, 64, 3])
    out = helper.make_tensor_value_info("translated", TensorProto.UINT8, [1, 48, 64, 3])
    node = helper.make_node("Transpose", ["image"], ["translated"], "turn", perm=[0, 1, 2, 3])
    graph = helper.make_graph([node], "net", [image], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    bundle = tiny.segmenter(tmp_path / "net", onnx=model.SerializeToString())
    with pytest.raises(NightsegError, match=r"unknown to this TensorRT .*turn.*`nightseg export`"):
        build(rtx, bundle)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_precision_that_is_not_in_the_file_is_refused(
    precision: str, rtx: Library, tmp_path: Path
) -> None:
    bundle = tiny.segmenter(tmp_path / "net")
    with pytest.raises(NightsegError, match=f"its ONNX file is fp32, .* not {precision}"):
        build(rtx, bundle, precision=precision)


def test_a_model_for_one_image_builds_no_engine_for_eight(rtx: Library, tmp_path: Path) -> None:
    with pytest.raises(NightsegError, match="takes 1 image at a time, not 8; export"):
        build(rtx, tiny.segmenter(tmp_path / "net"), batch=8)


@pytest.mark.parametrize(
    ("metadata", "gpu", "precision"),
    [({}, L4, "tf32"), ({}, None, "tf32"), ({}, TURING, "fp32"), (HALF, L4, "fp16")],
    ids=str,
)
def test_the_usual_precision_follows_the_file_and_the_gpu(
    metadata: dict[str, str], gpu: Gpu | None, precision: str
) -> None:
    assert default_precision(tiny.segmenter_onnx(metadata=metadata), gpu) == precision


def fake(version: str, driver: FakeDriver | None) -> tuple[Library, Any]:
    trt = FakeTensorRt(driver, version)
    return Library(trt, TENSORRT), trt  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("version", "flags", "plugins"), [("8.6.1", 1, 1), ("10.9.0.34", 2, 1), ("11.4.0.106", 2, 1)]
)
def test_each_version_is_asked_as_it_must_be(
    version: str, flags: int, plugins: int, tmp_path: Path
) -> None:
    library, trt = fake(version, FakeDriver())
    build(library, tiny.segmenter(tmp_path / "net"), L4, workspace_mib=64)
    (built,) = trt.built
    assert built.network.flags == flags
    assert trt.plugins == plugins
    assert built.network.parser_flags == [trt.OnnxParserFlag.NATIVE_INSTANCENORM]
    assert built.config.flags == {trt.BuilderFlag.TF32}
    assert built.config.pools == {trt.MemoryPoolType.WORKSPACE: 64 << 20}
    assert built.config.profiles == []


def test_tensorrt_8_keeps_32_bit_layers_of_a_16_bit_file(tmp_path: Path) -> None:
    bundle = tiny.segmenter(tmp_path / "net", onnx=tiny.segmenter_onnx(metadata=HALF))
    library, trt = fake("8.6.1", FakeDriver())
    build(library, bundle, L4)
    flags = trt.BuilderFlag
    assert trt.built[0].config.flags == {flags.FP16, flags.OBEY_PRECISION_CONSTRAINTS}
    constant, whole, half = trt.built[0].network.layers
    assert (whole.precision, whole.forced) == (trt.DataType.FLOAT, trt.DataType.FLOAT)
    assert (constant.precision, half.precision) == (None, None)
    strong, trt = fake("10.9.0", FakeDriver())
    build(strong, bundle, L4)
    assert trt.built[0].config.flags == set()
    assert trt.built[0].network.layers[1].precision is None


def test_measurements_are_kept_for_the_next_build(tmp_path: Path) -> None:
    library, _ = fake("10.9.0", FakeDriver())
    bundle, timings = tiny.segmenter(tmp_path / "net"), tmp_path / "timings"
    for expected in (b"t", b"tt"):
        build(library, bundle, L4, timing_cache=timings)
        assert timings.read_bytes() == expected
    build(library, bundle, L4, timing_cache=tmp_path / "no" / "folder")  # they only save time


def test_without_a_gpu_tensorrt_reports_where_to_build(tmp_path: Path) -> None:
    library, _ = fake("10.9.0", None)
    with pytest.raises(NightsegError, match="builds an engine on the GPU that will run it"):
        library.target(None)
    with pytest.raises(NightsegError, match="there is no GPU that this TensorRT can use"):
        build(library, tiny.segmenter(tmp_path / "net"), L4)


def test_too_little_memory_is_reported_in_plain_words(tmp_path: Path) -> None:
    library, trt = fake("10.9.0", FakeDriver())
    trt.refuse = "10: Could not find any implementation for node Conv_12 + Relu_13."
    with pytest.raises(NightsegError, match=r"too little free GPU memory.*--workspace") as logged:
        build(library, tiny.segmenter(tmp_path / "net"), L4)
    assert "Conv_12" in str(logged.value)


def stand_in(version: str, *, new: bool) -> ModuleType:
    module: Any = ModuleType("tensorrt")
    module.__version__ = version
    module.DataType = SimpleNamespace(**({"UINT8": 5} if new else {}))
    module.IExecutionContext = SimpleNamespace(execute_async_v3=None)
    return module  # type: ignore[no-any-return]


def test_the_first_library_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in("11.4.0", new=True))
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", stand_in("1.7.1", new=True))
    assert load_library().name == "TensorRT 11.4.0"
    monkeypatch.setitem(sys.modules, "tensorrt", stand_in("8.4.1", new=False))
    assert load_library().name == "TensorRT-RTX 1.7.1"
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    with pytest.raises(
        NightsegError, match=r"8\.4\.1 lacks DataType\.UINT8, 8\.6 or later"
    ) as logged:
        load_library()
    assert "tensorrt_rtx: import of tensorrt_rtx halted" in str(logged.value)
    assert "python3-libnvinfer" in str(logged.value)
