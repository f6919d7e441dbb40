# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The fusion of two networks: what learns, what stays, that it finds out whom to believe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.labels.label_set import IGNORE  # noqa: E402
from nightseg_ros.learning.losses import cross_entropy  # noqa: E402
from nightseg_ros.learning.methods.fused.config import FusedConfig  # noqa: E402
from nightseg_ros.learning.methods.fused.module import FusedModule, fuse  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.fused import Fused, FusionHead, entropy  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)
from nightseg_ros.learning.networks.segmenter import Segmenter  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402


class Says(Segmenter):
    """A channel that gives what it was made with, whatever it sees."""

    stride = 1

    def __init__(self, probabilities: torch.Tensor) -> None:
        super().__init__()
        self.probabilities = probabilities

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return self.probabilities.log()


def checkpoint(folder: Path, seed: int, classes: int = 19, name: str = "erf_pspnet") -> str:
    torch.manual_seed(seed)
    config = NetworkConfig(name, width=0.25, classes=classes)
    path = folder / f"{name}_{seed}_{classes}.pt"
    network = create_network(config)
    with torch.no_grad():  # as a trained one: statistics of its norms that matter
        network.train()(torch.rand(4, 3, 64, 96))
    save_checkpoint(path, network, config, {})
    return str(path)


def config_of(folder: Path, **changes: object) -> FusedConfig:
    values: dict[str, object] = {
        "name": "small", "train": (SourceConfig("x"),), "val": (), "view": (64, 96),
        "cache": (64, 96), "test_size": (64, 96), "batch": 2, "precision": "32-true",
        "channels": (checkpoint(folder, 0), checkpoint(folder, 1)),
    }  # fmt: skip
    return FusedConfig(**{**values, **changes})  # type: ignore[arg-type]


def frames() -> TensorSet:
    torch.manual_seed(3)
    images = torch.randint(0, 256, (4, 64, 96, 3), dtype=torch.uint8)
    labels = torch.randint(0, 19, (4, 64, 96), dtype=torch.uint8)
    return TensorSet(images, labels, torch.ones(4), torch.zeros(4, dtype=torch.bool))


def test_untrained_it_is_the_plain_mean_of_the_probabilities(tmp_path):
    network, _ = fuse([checkpoint(tmp_path, 0), checkpoint(tmp_path, 1)])
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        first, second = (channel.logits(image).softmax(1) for channel in network.channels)
        mixed = network.logits(image).softmax(1)
    assert torch.allclose(mixed, (first + second) / 2, atol=2e-3)
    assert not torch.allclose(first, second, atol=2e-3)


def test_how_unsure_is_measured_from_0_to_1():
    probabilities = torch.full((1, 19, 1, 2), 1 / 19)
    probabilities[0, :, 0, 0] = 0.0
    probabilities[0, 4, 0, 0] = 1.0
    assert torch.allclose(entropy(probabilities), torch.tensor([[[[0.0, 1.0]]]]), atol=2e-3)


def test_channels_of_other_sizes_are_brought_to_the_finer_one():
    coarse, fine = torch.rand(1, 5, 2, 3), torch.rand(1, 5, 4, 6)
    for pair in ([Says(coarse), Says(fine)], [Says(fine), Says(coarse)]):
        assert Fused(pair, 5).logits(torch.zeros(1, 3, 8, 12)).shape == (1, 5, 4, 6)
    with pytest.raises(NightsegError, match="2 channels, not 1"):
        Fused([Says(fine)], 5)


def test_only_the_head_learns_and_every_part_of_it(tmp_path):
    recipe = FusedModule(config_of(tmp_path), frames(), {})
    recipe.log = lambda *args, **options: None  # type: ignore[method-assign, assignment]
    before = {name: value.clone() for name, value in recipe.network.channels.state_dict().items()}
    recipe.train()
    assert not any(part.training for part in recipe.network.channels.modules())
    # Two steps: at the first one the last layer is 0, so nothing comes through to those before it.
    optimizer = torch.optim.SGD(recipe.trained_parameters(), lr=1.0)
    for _ in range(2):
        optimizer.zero_grad()
        recipe.training_step(torch.arange(2), 0).backward()
        optimizer.step()
    for name, parameter in recipe.network.named_parameters():
        if name.startswith("channels."):
            assert parameter.grad is None, name
        else:
            assert float(parameter.grad.abs().sum()) > 0, name
    trained = {id(p) for p in recipe.trained_parameters()}
    head = {*recipe.network.head.parameters(), recipe.network.log_sharpness}
    assert trained == {id(p) for p in head}
    for name, value in recipe.network.channels.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_channels_may_learn_on(tmp_path):
    recipe = FusedModule(config_of(tmp_path, frozen=False), frames(), {})
    recipe.log = lambda *args, **options: None  # type: ignore[method-assign, assignment]
    recipe.train()
    recipe.training_step(torch.arange(2), 0).backward()
    assert all(channel.training for channel in recipe.network.channels)
    grads = [p.grad for p in recipe.network.channels[1].encoder.parameters()]
    assert all(grad is not None for grad in grads)
    assert recipe.average.channels is not recipe.network.channels


def test_a_planted_rule_is_found():
    """On the left the first channel errs and is unsure; on the right the second errs, and is sure.

    The head does not know where it looks, and the plain mean is wrong everywhere.
    """
    torch.manual_seed(0)
    classes, size = 6, (16, 32)
    truth = torch.randint(0, classes, (8, *size))
    wrong = (truth + torch.randint(1, classes, truth.shape)) % classes
    left = torch.arange(size[1]) < size[1] // 2

    def probabilities(ids: torch.Tensor, sure: float) -> torch.Tensor:
        said = torch.full((8, classes, *size), (1 - sure) / (classes - 1))
        return said.scatter(1, ids[:, None], sure)

    first = torch.where(left, probabilities(wrong, 0.55), probabilities(truth, 0.85))
    second = torch.where(left, probabilities(truth, 0.45), probabilities(wrong, 0.95))
    network = Fused([Says(first), Says(second)], classes)
    image = torch.zeros(8, 3, *size)

    def correct() -> float:
        return float((network.logits(image).argmax(1) == truth).float().mean())

    assert correct() < 0.05
    optimizer = torch.optim.AdamW(network.head.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        cross_entropy(network.logits(image), truth, stride=1).backward()
        optimizer.step()
    assert correct() > 0.95
    with torch.no_grad():
        weights = network.head(first, second, image[:, :1])
    assert float(weights[..., left].mean()) < 0.25
    assert float(weights[..., ~left].mean()) > 0.75


def test_a_checkpoint_holds_both_channels_and_comes_back(tmp_path):
    config = config_of(tmp_path)
    recipe = FusedModule(config, frames(), {})
    torch.nn.init.normal_(recipe.average.head.weigh.weight)
    path = recipe.save(tmp_path)
    for name in config.channels:
        Path(name).unlink()  # it needs them no more
    network, described, about = load_checkpoint(path)
    assert described.name == "fused"
    assert [part.name for part in described.channels] == ["erf_pspnet", "erf_pspnet"]
    assert about["config"]["channels"] == list(config.channels)
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        assert torch.allclose(network.logits(image), recipe.average.logits(image), atol=1e-4)
    assert isinstance(network.head, FusionHead)


def test_validation_shows_what_the_fusion_has_to_beat(tmp_path):
    data = frames()
    data.labels[:, :32] = IGNORE
    recipe = FusedModule(config_of(tmp_path), data, {"night": (data.images, data.labels)})
    said: dict[str, float] = {}
    recipe.log = lambda name, value, **options: said.update({name: float(value)})  # type: ignore
    with torch.no_grad():
        recipe.validation_step(torch.tensor(0), 0)
    alone = {f"miou_{what}/night" for what in ("first", "second", "mean")}
    assert set(said) == {"miou/night", *alone}
    assert said["miou/night"] == pytest.approx(said["miou_mean/night"])  # untrained
    assert said["miou_first/night"] != said["miou_second/night"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ("a.pt",)}, "name the checkpoints of two"),
        ({"init": "a.pt"}, "init and compile are for recipe segmentation"),
        ({"network": NetworkConfig("panoptic_fpn18")}, "it follows from channels"),
    ],
)
def test_recipes_that_cannot_be_are_refused(tmp_path, changes, message):
    with pytest.raises(NightsegError, match=message):
        config_of(tmp_path, **changes)


def test_networks_of_other_classes_are_refused(tmp_path):
    paths = (checkpoint(tmp_path, 0), checkpoint(tmp_path, 1, classes=11))
    with pytest.raises(NightsegError, match=r"1_11\.pt has 11 classes, label set cityscapes19"):
        fuse(paths)


@pytest.mark.slow
def test_one_graph_gives_the_masks_of_torch(tmp_path):
    onnx = pytest.importorskip("onnx", reason="export needs the extra train")
    from support.verbs import run

    from nightseg_ros.bundles.bundle import Bundle
    from nightseg_ros.engines.select import create_engine
    from nightseg_ros.export.graph import SegmentationGraph
    from nightseg_ros.replay.card import render_card

    # Of different strides, and only one of them with a pyramid pooling.
    paths = (checkpoint(tmp_path, 0), checkpoint(tmp_path, 1, name="panoptic_fpn18"))
    network, described = fuse(paths)
    torch.nn.init.normal_(network.head.weigh.weight)
    with torch.no_grad():
        network.log_sharpness.copy_(torch.tensor([0.3, -0.2]))
    save_checkpoint(tmp_path / "model.pt", network.eval(), described, {})
    words = ["model.pt", "--out", "fused", "--size", "96x64", "--frames-count", "2"]
    words = [str(tmp_path / word) if word in ("model.pt", "fused") else word for word in words]
    result = run("export", *words)
    assert (result["route"], result["tensorrt"]) == ("fused", ["8.6", "10", "11"])
    assert result["parity"]["equal_share"] > 0.999
    bundle = Bundle.load(tmp_path / "fused")
    assert bundle.role == "fused"
    assert bundle.training["network"]["channels"][1]["name"] == "panoptic_fpn18"
    assert bundle.training["network"]["channels"][0]["width"] == 0.25
    graph = onnx.load(bundle.onnx_path).graph
    assert [output.name for output in graph.output] == ["mask", "confidence"]
    assert "fused route" in render_card(bundle, {}, "", {})
    engine = create_engine(bundle, "onnxruntime-cpu")
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    mask, confidence = engine.run(image)
    engine.close()
    with torch.no_grad():
        expected, sure = SegmentationGraph(load_checkpoint(tmp_path / "model.pt")[0])(
            torch.from_numpy(image[None])
        )
    assert (mask == expected[0].numpy()).mean() > 0.999
    assert np.abs(confidence.astype(int) - sure[0].numpy().astype(int)).max() <= 1
