# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The losses of NiSeNet's channels: each reaches what it is to change, and nothing else."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")
pytest.importorskip("lightning", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.losses import cross_entropy, squared_error  # noqa: E402
from nightseg_ros.learning.methods.adversarial.config import AdversarialConfig  # noqa: E402
from nightseg_ros.learning.methods.adversarial.module import AdversarialModule  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.source_config import SourceConfig  # noqa: E402
from nightseg_ros.learning.tensor_set import TensorSet  # noqa: E402


def test_the_squared_error_is_that_of_the_probabilities_and_has_a_gradient():
    torch.manual_seed(0)
    scores = torch.randn(2, 5, 8, 8, requires_grad=True)
    labels = torch.randint(0, 5, (2, 8, 8), dtype=torch.uint8)
    labels[0, :4] = 255
    loss = squared_error(scores, labels, stride=1)
    probabilities = scores.softmax(1)
    total, pixels = 0.0, 0
    for n, y, x in (labels != 255).nonzero().tolist():
        wanted = torch.zeros(5)
        wanted[int(labels[n, y, x])] = 1
        total, pixels = (
            total + float((probabilities[n, :, y, x].detach() - wanted).square().sum()),
            pixels + 1,
        )
    assert float(loss.detach()) == pytest.approx(total / pixels, rel=1e-5)
    loss.backward()
    assert scores.grad[1].abs().sum() > 0
    assert scores.grad[0, :, 4:].abs().sum() > 0
    assert not scores.grad[0, :, :4].any()  # void


def test_without_a_label_the_squared_error_is_nothing():
    scores = torch.randn(1, 5, 8, 8, requires_grad=True)
    loss = squared_error(scores, torch.full((1, 8, 8), 255, dtype=torch.uint8), stride=1)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert not scores.grad.any()


def make(network: str = "deeplab_v3plus18", **keys: object) -> AdversarialModule:
    torch.manual_seed(0)
    width = 0.25 if network == "erf_pspnet" else 0.125
    config = AdversarialConfig(
        "test",
        (SourceConfig("nowhere"),),
        (),
        network=NetworkConfig(network, width=width, auxiliary=keys.pop("auxiliary", True)),
        target=("nowhere",),
        view=(64, 96),
        judge_filters=4,
        batch=2,
        **keys,
    )
    frames = torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8)
    labels = torch.randint(0, 19, (2, 64, 96), dtype=torch.uint8)
    train = TensorSet(frames, labels, torch.ones(2), torch.zeros(2, dtype=torch.bool))
    return AdversarialModule(config, train, {}, 255 - frames).train()


def losses_of(recipe: AdversarialModule) -> dict[str, torch.Tensor]:
    images, labels, _ = recipe.views(torch.arange(2))
    return recipe.losses(images, labels, recipe.target_views(2))


def reached(recipe: AdversarialModule, loss: torch.Tensor) -> dict[str, bool]:
    """Which parts the loss gives a gradient, each as a whole."""
    recipe.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    parts = {
        "network": [p for n, p in recipe.network.named_parameters() if "auxiliary" not in n],
        "auxiliary": [p for n, p in recipe.network.named_parameters() if "auxiliary" in n],
        **{
            f"judge {i}": list(discriminator.parameters())
            for i, discriminator in enumerate(recipe.discriminators)
        },
    }
    found = {}
    for name, parameters in parts.items():
        there = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in parameters]
        assert all(there) or not any(there), name
        found[name] = bool(there) and all(there)
    return found


def test_each_loss_reaches_what_it_is_to_change_and_nothing_else():
    recipe = make(adversarial=0.5, adversarial_auxiliary=0.5)
    losses = losses_of(recipe)
    network = {"network": True, "auxiliary": True, "judge 0": False, "judge 1": False}
    discriminators = {name: not there for name, there in network.items()}
    assert reached(recipe, losses["labels"]) == network
    assert reached(recipe, losses["deceive"]) == network
    assert reached(recipe, losses["discriminator"]) == discriminators


@pytest.mark.parametrize("loss", ["ce", "ce_mse"])
def test_the_label_loss_is_that_of_the_recipe(loss):
    recipe = make(loss=loss, label_auxiliary=0.0)
    images, labels, _ = recipe.views(torch.arange(2))
    target = recipe.target_views(2)
    recipe.network.eval()
    with torch.no_grad():
        found = recipe.losses(images, labels, target)["labels"]
        scores = recipe.network.logits(images)
        wanted = cross_entropy(scores, labels, recipe.weights)
        if loss == "ce_mse":
            wanted = wanted + squared_error(scores, labels)
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_deceiving_moves_the_target_towards_the_source():
    recipe = make(adversarial=1.0, adversarial_auxiliary=0.0)
    images, labels, _ = recipe.views(torch.arange(2))
    target = recipe.target_views(2)
    optimizer = torch.optim.SGD(recipe.network.parameters(), lr=0.5)
    before = recipe.losses(images, labels, target)["deceive"]
    optimizer.zero_grad()
    before.backward()
    optimizer.step()
    assert float(recipe.losses(images, labels, target)["deceive"].detach()) < float(before)


def test_judges_learn_to_distinguish_both():
    recipe = make(auxiliary=False)
    images, labels, _ = recipe.views(torch.arange(2))
    scores = torch.randn(4, 19, 16, 24)
    scores[:2, 0] += 3
    scores[2:, 1] += 3
    recipe.network.outputs = lambda _: (scores,)
    optimizer = torch.optim.Adam(recipe.discriminators.parameters(), lr=1e-2)
    values = []
    for _ in range(25):
        loss = recipe.losses(images, labels, images)["discriminator"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.5 * values[0]


@pytest.mark.parametrize("network", ["erf_pspnet", "deeplab_v3plus18"])
def test_a_network_of_one_output_has_one_judge(network):
    recipe = make(network, auxiliary=False)
    assert len(recipe.discriminators) == 1
    assert set(reached(recipe, losses_of(recipe)["discriminator"])) == {
        "network",
        "auxiliary",
        "judge 0",
    }


def test_one_optimizer_gives_judges_their_own_rate_and_clips_each_by_itself():
    recipe = make(lr=1e-3, judge_lr=1e-4)
    optimizer = recipe.configure_optimizers()["optimizer"]
    assert [g["initial_lr"] for g in optimizer.param_groups] == [1e-3, 1e-3, 1e-4]
    assert optimizer.param_groups[2]["betas"] == (0.9, 0.99)
    held = sum(len(group["params"]) for group in optimizer.param_groups)
    assert held == len(list(recipe.network.parameters())) + len(
        list(recipe.discriminators.parameters())
    )
    losses = losses_of(recipe)
    torch.stack(list(losses.values())).sum().backward()
    for parameter in recipe.discriminators.parameters():
        parameter.grad.mul_(1e6)
    before = next(recipe.network.parameters()).grad.clone()
    recipe.configure_gradient_clipping(optimizer, 1e3, "norm")
    assert torch.equal(next(recipe.network.parameters()).grad, before)
    norm = torch.stack([p.grad.norm() for p in recipe.discriminators.parameters()]).norm()
    assert float(norm) == pytest.approx(1e3, rel=1e-3)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"target": ()}, r"target is \[\]; use at least one"),
        ({"adversarial": -1.0}, "adversarial is -1.0; use 0 or more"),
        ({"view": (16, 96)}, "use 32 pixels"),
        ({"judge_filters": 0}, "judge_filters is 0"),
        ({"teacher": "x"}, "teacher and compile"),
    ],
)
def test_bad_recipes_are_refused(keys, message):
    values = {"target": ("a",), **keys}
    with pytest.raises(NightsegError, match=message):
        AdversarialConfig("test", (SourceConfig("nowhere"),), (), **values)
