# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks made for benches: what runs is the network that the row names."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="export needs the extra train")
pytest.importorskip("onnx", reason="export needs the extra train")

import onnxruntime  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from nightseg_ros.bundles.bundle import SEGMENTATION  # noqa: E402
from nightseg_ros.bundles.write import write_bundle  # noqa: E402
from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.export.bench_networks import random_network, random_onnx  # noqa: E402
from nightseg_ros.export.bench_torch import TorchGemm, TorchRunner  # noqa: E402
from nightseg_ros.export.graph import fix_pooling  # noqa: E402
from nightseg_ros.labels.label_set import CITYSCAPES19  # noqa: E402
from nightseg_ros.trials.engine_bench.graph import count_macs, with_batch  # noqa: E402

pytestmark = pytest.mark.slow

SMALL = {"name": "erf_pspnet", "width": 0.25, "classes": 19, "dropout": 0.05, "pretrained": True}
CURVE = {"kind": "darkening", "curve": "quadratic", "rounds": 8, "floor": 0.95, "shrink": 1}
CURVE |= {"gain": 1.0, "apply_at": 0.1}
SIZE = (64, 96)


@pytest.mark.parametrize(
    ("architecture", "channels"),
    [
        (SMALL, 1),
        ({"kind": "light", "filters": 4, "blocks": 1}, 3),
        (CURVE, 3),
    ],
)
def test_they_run_for_their_size(architecture, channels):
    data = random_onnx(architecture, SIZE)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).integers(0, 256, (1, *SIZE, 3), np.uint8)
    outputs = session.run(None, {"image": image})
    assert all(output.dtype == np.uint8 for output in outputs)
    assert outputs[0].shape == ((1, *SIZE, 3) if channels == 3 else (1, *SIZE))
    assert len(outputs) == (1 if channels == 3 else 2)


@pytest.mark.parametrize("architecture", [SMALL, {"kind": "light", "filters": 4, "blocks": 1}])
def test_several_images_together_give_what_each_gives_alone(architecture):
    data = random_onnx(architecture, SIZE)
    batched = with_batch(data, 3)
    assert count_macs(batched) == 3 * count_macs(data)
    images = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), np.uint8)
    one = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    three = onnxruntime.InferenceSession(batched, providers=["CPUExecutionProvider"])
    together = three.run(None, {"image": images})[0]
    for index, image in enumerate(images):
        alone = one.run(None, {"image": image[None]})[0][0]
        assert (together[index] == alone).mean() > 0.999


def test_what_is_counted_in_the_graph_is_what_torch_counts():
    network = random_network(SMALL)
    data = random_onnx(SMALL, SIZE)
    fix_pooling(network, *SIZE)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network.logits(torch.zeros(1, 3, *SIZE))
    assert count_macs(data) == pytest.approx(counter.get_total_flops() / 2, rel=1e-3)


def test_torch_itself_runs_the_same_network():
    spec = {"architecture": SMALL, "height": 64, "width": 96, "batch": 2, "threads": 1}
    runner = TorchRunner({**spec, "compiled": False})
    runner.step()
    mask, confidence = (output.numpy() for output in runner._outputs)
    assert mask.shape == confidence.shape == (2, 64, 96)
    data = with_batch(random_onnx(SMALL, SIZE), 2)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"image": runner._source})[0]
    assert (mask == expected).mean() > 0.99
    runner.close()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_torch_multiplies(precision):
    runner = TorchGemm({"way": "torch", "precision": precision, "side": 32, "threads": 0})
    runner.step()
    assert runner._run().shape == (32, 32)
    runner.close()


def test_a_gpu_that_is_not_there_is_refused():
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(NightsegError, match="torch sees no GPU"):
        TorchGemm({"way": "torch-cuda", "precision": "fp16", "side": 32, "threads": 0})


def test_int8_for_speed_is_really_int8(tmp_path):
    pytest.importorskip("nncf", reason="quantising needs the extra quantise")
    openvino = pytest.importorskip("openvino")
    from nightseg_ros.export.to_openvino import quantised_for_speed

    bundle = write_bundle(
        tmp_path / "small",
        random_onnx(SMALL, SIZE),
        name="small",
        kind=SEGMENTATION,
        route="day",
        height=SIZE[0],
        width=SIZE[1],
        labels=CITYSCAPES19,
    )
    file = quantised_for_speed(bundle, tmp_path / "int8")
    kinds = [node.get_type_name() for node in openvino.Core().read_model(file).get_ops()]
    assert kinds.count("FakeQuantize") > 20


@pytest.mark.parametrize(
    ("architecture", "logged"),
    [
        ({"name": "segnet"}, "network.name is 'segnet'"),
        ({"kind": "light", "filters": "many"}, "filters"),
        ({"name": "erf_pspnet", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_made_is_refused(architecture, logged):
    with pytest.raises(NightsegError, match=logged):
        random_network(architecture)


def test_sizes_that_a_network_cannot_take_are_refused():
    with pytest.raises(NightsegError, match="multiples of 8"):
        random_onnx(SMALL, (65, 96))
