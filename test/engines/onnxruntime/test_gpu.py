# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a GPU provider of ONNX Runtime is asked for, on machines that are made up here.

The made-up ONNX Runtime computes on the CPU and claims to be the GPU, so that the buffers that
are bound really go through a session.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnxruntime as real
import pytest
from support.models import HEIGHT, WIDTH, expected_mask, segmenter, segmenter_onnx, translator

from nightseg_ros.engines.cache.store import EngineCache
from nightseg_ros.engines.onnxruntime import engine as onnxruntime_engine
from nightseg_ros.engines.onnxruntime import folder as onnxruntime_folder
from nightseg_ros.engines.onnxruntime.engine import OnnxRuntimeEngine
from nightseg_ros.engines.onnxruntime.gpu import NO_CPU
from nightseg_ros.engines.onnxruntime.providers import CPU, CUDA, RTX, TENSORRT, provider_options
from nightseg_ros.engines.tensorrt.cuda_driver import Gpu
from nightseg_ros.errors import NightsegError

IMAGE = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


class Options(real.SessionOptions):
    """Options that remember devices; the CPU that replaces the GPU is allowed."""

    devices = None

    def add_session_config_entry(self, key, value):
        self.strict = key == NO_CPU or getattr(self, "strict", False)
        if key != NO_CPU:
            super().add_session_config_entry(key, value)

    def add_provider_for_devices(self, devices, values):
        self.devices = (devices, values)


class OrtValue:
    """Memory of the GPU, here of the host."""

    def __init__(self, shape, kind):
        self.value = real.OrtValue.ortvalue_from_numpy(np.zeros(shape, kind))

    @classmethod
    def ortvalue_from_shape_and_type(cls, shape, kind, device, number):
        assert (device, number) == ("cuda", 0)
        return cls(shape, kind)

    def update_inplace(self, array):
        self.value.numpy()[:] = array

    def numpy(self):
        return self.value.numpy().copy()


class Session:
    """A session on the provider that comes first, whatever really computes."""

    def __init__(self, provider, data, options):
        self.provider, self.real = provider, real.InferenceSession(data, providers=[CPU])
        self.fallback, self.bound_runs = True, 0

    def __getattr__(self, name):
        return getattr(self.real, name)

    def get_providers(self):
        return [self.provider, CPU]

    def disable_fallback(self):
        self.fallback = False

    def io_binding(self):
        binding = self.real.io_binding()
        return SimpleNamespace(
            real=binding,
            bind_ortvalue_input=lambda name, x: binding.bind_ortvalue_input(name, x.value),
            bind_ortvalue_output=lambda name, x: binding.bind_ortvalue_output(name, x.value),
        )

    def run_with_iobinding(self, binding):
        self.bound_runs += 1
        self.real.run_with_iobinding(binding.real)


class Runtime:
    """An ONNX Runtime with all providers; `broken` ones and `strict_error` make it fail."""

    SessionOptions, OrtValue = Options, OrtValue
    GraphOptimizationLevel, __version__ = real.GraphOptimizationLevel, "9.9"

    def __init__(self):
        self.providers = [TENSORRT, CUDA, CPU]
        self.silent, self.strict_error = False, ""
        self.sessions, self.asked = [], []

    def get_available_providers(self):
        return self.providers

    def InferenceSession(self, data, options, providers=None, **rest):  # noqa: N802
        if providers == [CPU]:
            return real.InferenceSession(data, providers=providers)
        self.asked.append((options, providers, rest))
        if options.strict_ and self.strict_error:
            raise RuntimeError(self.strict_error)
        name = providers[0][0] if providers else RTX
        self.sessions.append(Session(CPU if self.silent else name, data, options))
        return self.sessions[-1]


Options.strict_ = property(lambda self: getattr(self, "strict", False))


@pytest.fixture
def ort(monkeypatch):
    runtime = Runtime()
    monkeypatch.setattr(onnxruntime_engine, "ort", runtime)
    monkeypatch.setattr(onnxruntime_folder, "ort", runtime)
    monkeypatch.setattr(onnxruntime_engine, "why_no_gpu", lambda: "")
    monkeypatch.setattr(onnxruntime_engine, "find_gpu", lambda: Gpu(0, "Thing", (9, 0), 1 << 30))
    return runtime


def test_the_network_runs_in_bound_buffers_and_as_one_cuda_graph(ort, tmp_path):
    engine = OnnxRuntimeEngine(segmenter(tmp_path / "net"), provider=CUDA)
    (options, providers, rest), (session,) = ort.asked[0], ort.sessions
    assert providers == [(CUDA, {"device_id": "0", "enable_cuda_graph": "1"})]
    assert rest == {"enable_fallback": 0}
    assert options.strict_
    assert not session.fallback
    assert np.array_equal(engine.run(IMAGE)[0], expected_mask(IMAGE))
    assert np.array_equal(engine.run(255 - IMAGE)[0], expected_mask(255 - IMAGE))
    assert session.bound_runs == 4  # two of them when it was made, to record the graph
    assert (engine.info.provider, engine.info.device) == (CUDA, "cuda:0")
    assert engine.info.fallback_reason == ""


def test_a_gpu_that_multiplies_in_19_bits_reports_it(ort, tmp_path, monkeypatch):
    bundle = segmenter(tmp_path / "net")
    assert OnnxRuntimeEngine(bundle, provider=CUDA).info.precision == "tf32"
    half = segmenter(
        tmp_path / "half", onnx=segmenter_onnx(metadata={"nightseg_precision": "fp16"})
    )
    assert OnnxRuntimeEngine(half, provider=CUDA).info.precision == "fp16"
    old = Gpu(0, "Old thing", (7, 5), 1 << 30)
    monkeypatch.setattr(onnxruntime_engine, "find_gpu", lambda: old)
    assert OnnxRuntimeEngine(bundle, provider=CUDA).info.precision == "fp32"


def test_a_translator_has_one_bound_output(ort, tmp_path):
    engine = OnnxRuntimeEngine(translator(tmp_path / "net"), provider=CUDA)
    (out,) = engine.run(IMAGE)
    assert np.array_equal(out, np.minimum(IMAGE.astype(int) + 64, 255))


def test_what_a_cuda_graph_cannot_hold_runs_without_and_is_reported(ort, tmp_path):
    ort.strict_error = "nodes are assigned to the CPU\nand more"
    engine = OnnxRuntimeEngine(segmenter(tmp_path / "net"), provider=CUDA)
    assert np.array_equal(engine.run(IMAGE)[0], expected_mask(IMAGE))
    assert [options.strict_ for options, _, _ in ort.asked] == [True, False]
    assert ort.asked[1][1] == [(CUDA, {"device_id": "0", "enable_cuda_graph": "0"})]
    reason = engine.info.fallback_reason
    assert "without CUDA graph" in reason
    assert "nodes are assigned to the CPU)" in reason
    assert not ort.sessions[0].fallback


def test_a_session_that_went_to_the_cpu_in_silence_is_refused(ort, tmp_path):
    ort.silent = True
    with pytest.raises(NightsegError, match=f"cannot run on {CUDA} .it runs on {CPU}: ") as caught:
        OnnxRuntimeEngine(segmenter(tmp_path / "net"), provider=CUDA)
    assert "nightseg doctor" in str(caught.value)


def test_no_gpu_is_one_clear_line(ort, tmp_path, monkeypatch):
    monkeypatch.setattr(onnxruntime_engine, "why_no_gpu", lambda: "there is no NVIDIA GPU")
    with pytest.raises(NightsegError, match="there is no NVIDIA GPU"):
        OnnxRuntimeEngine(segmenter(tmp_path / "net"), provider=CUDA)
    assert ort.asked == []


def test_tensorrt_is_reported_of_the_types_in_the_file(tmp_path):
    options = provider_options(TENSORRT, "fp16", cuda_graph=True, folder=tmp_path)
    assert options["trt_fp16_enable"] == options["trt_layer_norm_fp32_fallback"] == "1"
    assert options["trt_int8_enable"] == "0"
    assert options["trt_cuda_graph_enable"] == "1"
    assert options["trt_engine_cache_enable"] == "1"
    assert options["trt_engine_cache_path"] == str(tmp_path)
    options = provider_options(TENSORRT, "int8", cuda_graph=False, folder=None)
    assert (options["trt_int8_enable"], options["trt_fp16_enable"]) == ("1", "0")
    assert "trt_engine_cache_path" not in options
    options = provider_options(TENSORRT, "fp32", cuda_graph=False, folder=None)
    assert options["trt_fp16_enable"] == options["trt_int8_enable"] == "0"
    options = provider_options(RTX, "fp16", cuda_graph=True, folder=tmp_path)
    assert options == {"enable_cuda_graph": "1", "nv_runtime_cache_path": str(tmp_path)}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSEG_ENGINE_CACHE", str(tmp_path / "cache"))
    label = SimpleNamespace(label="NVIDIA Thing sm90")
    monkeypatch.setattr(onnxruntime_folder, "find_gpu", lambda: label)
    return EngineCache()


def folder_of(bundle, provider, *, allow_build=False):
    return onnxruntime_folder.provider_folder(
        bundle, provider, allow_build=allow_build, log=lambda line: None
    )


def test_tensorrt_builds_once_into_the_engine_cache_and_only_where_allowed(ort, cache, tmp_path):
    bundle = segmenter(tmp_path / "net")
    with pytest.raises(NightsegError, match=r"build-engine .*net --engine onnxruntime-tensorrt"):
        folder_of(bundle, TENSORRT)

    class WithEngine(Session):
        def __init__(self, provider, data, options):
            super().__init__(provider, data, options)
            folder = ort.asked[-1][1][0][1]["trt_engine_cache_path"]
            (tmp_path / folder / "main_graph.engine").write_bytes(b"an engine")

    ort.InferenceSession = lambda data, options, providers, **rest: (
        real.InferenceSession(data, providers=providers)
        if providers == [CPU]
        else (ort.asked.append((options, providers, rest)), WithEngine(TENSORRT, data, options))[1]
    )
    folder = folder_of(bundle, TENSORRT, allow_build=True)
    assert (folder / "main_graph.engine").read_bytes() == b"an engine"
    ((_, providers, _),) = ort.asked
    assert providers[1] == (CUDA, {"device_id": "0"})  # for what TensorRT leaves over
    assert folder_of(bundle, TENSORRT, allow_build=True) == folder_of(bundle, TENSORRT) == folder
    assert len(ort.asked) == 1
    (entry,) = cache.entries()
    assert (entry.engine.key.device, entry.engine.key.version) == ("NVIDIA Thing sm90", "9.9")
    assert entry.engine.facts["quick_check"]["equal_share"] == 1.0
    (folder / "main_graph.engine").write_bytes(b"an enginX")
    with pytest.raises(NightsegError, match="corrupt"):
        folder_of(bundle, TENSORRT)


def test_kernels_of_tensorrt_rtx_lie_beside_the_engines(ort, cache, tmp_path):
    bundle = segmenter(tmp_path / "net")
    assert folder_of(bundle, CUDA) is None
    folder = folder_of(bundle, RTX)
    assert folder.is_dir()
    assert folder.parent == cache.root
    assert cache.entries() == []
    folder.rmdir()
    cache.root.rmdir()
    cache.root.write_text("a file where the cache should be")
    assert folder_of(bundle, RTX) is None


def test_tensorrt_rtx_may_come_as_a_plug_in(ort, tmp_path, monkeypatch):
    bundle = segmenter(tmp_path / "net")
    reason = onnxruntime_engine.why_no_provider(RTX)
    assert "pip install onnxruntime-ep-nv-tensorrt-rtx" in reason
    package = tmp_path / "onnxruntime_ep_nv_tensorrt_rtx.py"
    package.write_text(
        f"def get_ep_name(): return {RTX!r}\ndef get_library_path(): return '/lib/rtx.so'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registered = []
    ort.register_execution_provider_library = lambda *words: registered.append(words)
    gpu, other = SimpleNamespace(ep_name=RTX), SimpleNamespace(ep_name=CPU)
    ort.get_ep_devices = lambda: [other, gpu, gpu]
    assert onnxruntime_engine.why_no_provider(RTX) == ""
    engine = OnnxRuntimeEngine(bundle, provider=RTX, folder=tmp_path)
    assert registered == [(RTX, "/lib/rtx.so")]
    options, providers, _ = ort.asked[0]
    assert providers is None
    values = {"enable_cuda_graph": "1", "nv_runtime_cache_path": str(tmp_path)}
    assert options.devices == ([gpu], values)
    assert engine.info.provider == RTX

    def registered_already(*words):
        raise RuntimeError("it is registered already")

    ort.register_execution_provider_library = registered_already
    assert OnnxRuntimeEngine(bundle, provider=RTX).info.provider == RTX
    ort.register_execution_provider_library = lambda *words: None
    ort.get_ep_devices = lambda: [other]
    with pytest.raises(NightsegError, match="finds no GPU that it supports"):
        OnnxRuntimeEngine(bundle, provider=RTX)


def test_cuda_from_python_packages_is_loaded_without_a_word_on_stdout(ort, tmp_path, capsys):
    ort.preload_dlls = lambda: print("loading")
    OnnxRuntimeEngine(segmenter(tmp_path / "net"), provider=CUDA)
    assert capsys.readouterr().out == ""
