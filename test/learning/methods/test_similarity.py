# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The loss of the adaptation: what it measures, and where its gradient goes."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from torch import nn  # noqa: E402

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.methods.min_max.similarity import (  # noqa: E402
    HIDDEN,
    VECTOR,
    ProjectionHead,
    Similarity,
    SlowCopy,
    distance,
)
from nightseg_ros.learning.networks.erf_pspnet import ErfPspNet  # noqa: E402
from nightseg_ros.learning.networks.panoptic_fpn import PanopticFpn  # noqa: E402


def images(seed: int, count: int = 2, size: tuple[int, int] = (64, 96)) -> torch.Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network() -> ErfPspNet:
    torch.manual_seed(0)
    return ErfPspNet(width=0.25, dropout=0.0)


def test_equal_directions_are_at_distance_0_and_opposite_ones_at_4():
    vectors = torch.randn(5, 7)
    assert float(distance(vectors, 3 * vectors)) == pytest.approx(0, abs=1e-6)
    assert float(distance(vectors, -0.1 * vectors)) == pytest.approx(4, abs=1e-6)


def test_heads_have_the_shapes_of_the_paper():
    head = ProjectionHead(256)
    assert (HIDDEN, VECTOR) == (64, 128)
    assert head.conv[0].weight.shape == (64, 256, 3, 3)
    assert [layer.weight.shape for layer in head.mlp if isinstance(layer, nn.Linear)] == [
        (128, 64),
        (128, 128),
    ]
    assert head(torch.rand(2, 256, 5, 9)).shape == (2, 128)
    assert head(torch.rand(2, 256)).shape == (2, 128)


def test_the_gradient_reaches_network_and_heads_but_not_the_slow_copies(network):
    similarity = Similarity(network)
    scores, loss = similarity(images(0), images(1))
    assert scores.shape == (4, 19, 8, 12)
    loss.backward()
    for module in (network.encoder, network.pyramid, similarity.heads):
        for name, parameter in module.named_parameters():
            assert parameter.grad is not None, name
    weights = [*network.encoder.parameters(), *similarity.heads.parameters()]
    assert sum(float(p.grad.abs().sum() > 0) for p in weights) > 0.9 * len(weights)
    assert all(p.grad is None for p in network.head.parameters())  # it is behind the last stage
    slow = [*similarity.slow_network.parameters(), *similarity.slow_heads.parameters()]
    assert slow
    assert all(p.grad is None and not p.requires_grad for p in slow)


def test_the_loss_is_the_mean_over_stages_of_both_directions(network):
    similarity = Similarity(network).eval()
    network.eval()
    day, dark = images(0), images(1)
    expected = []
    with torch.no_grad():
        features = {}
        for name, x in (("day", day), ("dark", dark)):
            features[name], _ = similarity._stages.run(x)
        for i in range(4):
            project, predict = similarity.heads.project[i], similarity.heads.predict[i]
            made = {name: project(maps[i]) for name, maps in features.items()}
            pairs = (("day", "dark"), ("dark", "day"))
            # At the start the slow copies equal what they follow.
            expected.append(sum(distance(predict(made[a]), made[b]) for a, b in pairs))
        _, loss = similarity(day, dark)
    assert float(loss) == pytest.approx(float(torch.stack(expected).mean()), abs=1e-5)


def test_the_slow_copy_follows_weights_slowly_and_statistics_at_once(network):
    similarity = Similarity(network, momentum=0.9)
    before = {name: p.clone() for name, p in similarity.slow_network.module.named_parameters()}
    similarity(images(0), images(1))[1].backward()  # changes the running statistics
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    similarity.follow()
    slow = similarity.slow_network.module
    for name, parameter in slow.named_parameters():
        assert torch.allclose(parameter - before[name], torch.full_like(parameter, 0.1), atol=1e-5)
    buffers = dict(network.named_buffers())
    assert int(buffers["encoder.stem.bn.num_batches_tracked"]) == 1
    for name, held in slow.named_buffers():
        assert torch.equal(held, buffers[name]), name
    heads = zip(similarity.slow_heads.buffers(), similarity.heads.project.buffers(), strict=True)
    assert all(torch.equal(held, buffer) for held, buffer in heads)


def test_the_slow_copy_stays_in_evaluation_mode_and_is_not_the_network(network):
    copy = SlowCopy(network.train(), 0.5).train()
    assert not any(module.training for module in copy.modules())
    assert network.training
    similarity = Similarity(network)
    assert not {id(p) for p in network.parameters()} & {id(p) for p in similarity.parameters()}
    modes = {name: module.training for name, module in similarity.train().named_modules()}
    assert modes["heads"]
    assert not modes["slow_network.module.encoder"]


def test_a_few_steps_bring_day_and_dark_together(network):
    torch.manual_seed(0)
    day = images(0, 8)
    dark = day * 0.1
    similarity = Similarity(network)
    parameters = [*network.parameters(), *similarity.heads.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-3)
    losses = []
    for _ in range(15):
        _, loss = similarity(day, dark)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        similarity.follow()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_any_number_of_stages_of_any_network():
    network = PanopticFpn(3, 18, 0.125)
    similarity = Similarity(network, ["trunk.layer4"])
    scores, loss = similarity(images(0), images(1))
    assert (scores.shape[:2], loss.shape) == ((4, 3), ())
    assert len(similarity.heads.project) == 1
    with pytest.raises(NightsegError, match="momentum is 1"):
        Similarity(network, momentum=1.0)


def test_a_network_of_whole_clips_is_a_network_too():
    network = nn.Sequential(nn.Conv3d(3, 8, 3), nn.ReLU(), nn.Conv3d(8, 5, 3))
    clips = torch.rand(2, 3, 6, 16, 16)
    similarity = Similarity(network, ["1", "2"], example=clips[:1])
    scores, loss = similarity(clips, clips * 0.1)
    assert scores.shape[:2] == (4, 5)
    loss.backward()
    assert float(network[0].weight.grad.abs().sum()) > 0


def test_frames_of_clips_go_through_it_as_images(network):
    """Video: fold (N, T) clips to N * T frames, and the scores back to clips."""
    clips, frames = 2, 3
    day = images(0, clips * frames).view(clips, frames, 3, 64, 96)
    similarity = Similarity(network)
    scores, loss = similarity(day.flatten(0, 1), (day * 0.1).flatten(0, 1))
    of_clips = scores.unflatten(0, (2 * clips, frames)).mean(1)
    assert of_clips.shape == (2 * clips, 19, 8, 12)
    loss.backward()
    assert float(network.encoder.stem.conv.weight.grad.abs().sum()) > 0
