# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.network_config import NetworkConfig  # noqa: E402
from nightseg_ros.learning.networks.discriminators import PatchDiscriminator  # noqa: E402
from nightseg_ros.learning.networks.erf_pspnet import ErfPspNet  # noqa: E402
from nightseg_ros.learning.networks.generators import LightGenerator, ResnetGenerator  # noqa: E402
from nightseg_ros.learning.networks.pooling import GridPool  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


def multiplications(network, size) -> int:
    """Multiply-accumulates of all convolutions for one image of `size`."""
    total = 0

    def count(module, inputs, output) -> None:
        nonlocal total
        transposed = isinstance(module, torch.nn.ConvTranspose2d)
        positions = inputs[0] if transposed else output
        total += positions.numel() * module.weight[0].numel()

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            module.register_forward_hook(count)
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, *size))
    return total


def test_erf_pspnet_has_the_published_size():
    assert parameters(ErfPspNet(19)) == 2_485_903
    assert parameters(ErfPspNet(19).encoder) == 1_874_044


def test_fast_is_about_a_quarter_of_the_work():
    full = multiplications(ErfPspNet(19), (272, 480))
    fast = multiplications(ErfPspNet(19, width=0.5), (272, 480))
    assert full == pytest.approx(6.6e9, rel=0.05)
    assert 0.2 < fast / full < 0.35


@pytest.mark.parametrize("size", [(272, 480), (120, 200), (64, 64)])
def test_erf_pspnet_gives_scores_at_the_input_size(size):
    network = ErfPspNet(19, width=0.25).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, *size)).shape == (2, 19, *size)
        assert network.logits(torch.zeros(2, 3, *size)).shape == (2, 19, size[0] // 8, size[1] // 8)


def test_erf_pspnet_computes_what_it_always_did():
    """Golden values: weights and image are sines, so no random generator can change them."""
    network = ErfPspNet(3, width=0.25, dropout=0.0).eval()
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            n = parameter.numel()
            wave = torch.sin(torch.arange(n, dtype=torch.float64) * 0.7 + index)
            scale = 0.5 if parameter.ndim == 1 else 1.5 / parameter[0].numel() ** 0.5
            offset = 1.0 if parameter.ndim == 1 and index % 2 else 0.0
            parameter.copy_((wave * scale + offset).view_as(parameter))
        x = torch.sin(torch.arange(3 * 64 * 96, dtype=torch.float64) * 0.01).view(1, 3, 64, 96)
        y = network.double().logits(x * 0.5 + 0.5)
    found = [float(y[0, c, r, k]) for c, r, k in ((0, 0, 0), (1, 3, 5), (2, 7, 11), (0, 4, 4))]
    assert found == pytest.approx(
        [-24.00818822817173, -0.7453115960136344, -34.67946425368257, 1.135165298064542]
    )


@pytest.mark.parametrize("size", [(34, 60), (32, 64), (9, 13)])
@pytest.mark.parametrize("grid", [1, 2, 4, 8])
def test_fixed_pooling_equals_adaptive_pooling(size, grid):
    x = torch.randn(2, 5, *size, generator=torch.Generator().manual_seed(0))
    pool = GridPool(grid)
    expected = torch.nn.functional.adaptive_avg_pool2d(x, grid)
    pool.fix(*size)
    assert torch.allclose(pool(x), expected, atol=1e-5)


def test_generators_have_the_published_and_the_promised_size():
    assert parameters(ResnetGenerator()) == 11_378_179
    assert multiplications(ResnetGenerator(16, 2), (64, 64)) > 0
    light = LightGenerator()
    assert parameters(light) == pytest.approx(0.3e6, rel=0.1)
    assert multiplications(light, (272, 480)) <= 4.0e9


def test_the_light_generator_starts_as_the_identity():
    x = torch.rand(1, 3, 32, 48) * 2 - 1
    assert torch.allclose(LightGenerator(8, 2)(x), x, atol=1e-6)


def test_the_discriminator_sees_patches_of_70_pixels():
    judge = PatchDiscriminator(8).eval()
    for module in judge.modules():  # a norm would let every pixel see the whole image
        if isinstance(module, torch.nn.InstanceNorm2d):
            module.forward = lambda x: x  # type: ignore[method-assign]
    x = torch.rand(1, 3, 256, 256, requires_grad=True)
    score = judge(x)
    assert score.shape == (1, 1, 30, 30)
    score[0, 0, 15, 15].backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert int(rows[-1] - rows[0]) + 1 == 70


def test_a_checkpoint_brings_back_the_same_network(tmp_path):
    config = NetworkConfig(width=0.25)
    network = create_network(config).eval()
    save_checkpoint(tmp_path / "model.pt", network, config, {"note": [1, 2]})
    again, config_again, about = load_checkpoint(tmp_path / "model.pt")
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(again(x), network(x))
    assert (config_again.width, about) == (0.25, {"note": [1, 2]})


def test_a_checkpoint_that_is_none_is_refused_with_its_name(tmp_path):
    bad = tmp_path / "model.pt"
    bad.write_bytes(b"\x80\x04junk")
    with pytest.raises(NightsegError, match=r"model\.pt is no checkpoint"):
        load_checkpoint(bad)
    torch.save([1, 2], bad)
    with pytest.raises(NightsegError, match="names no network"):
        load_checkpoint(bad)
    with pytest.raises(NightsegError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "absent.pt")


def test_weights_of_another_width_are_refused(tmp_path):
    config = NetworkConfig(width=0.25)
    save_checkpoint(tmp_path / "m.pt", create_network(config), NetworkConfig(width=0.5), {})
    with pytest.raises(NightsegError, match="another network"):
        load_checkpoint(tmp_path / "m.pt")


def test_an_unknown_network_is_named():
    with pytest.raises(NightsegError, match=r"network\.name is 'segnet'; use one of .*erf"):
        create_network(NetworkConfig(name="segnet"))


def test_the_same_checkpoint_is_the_same_file(tmp_path):
    config = NetworkConfig(width=0.25)
    network = create_network(config)
    written = []
    for _ in range(2):
        save_checkpoint(tmp_path / "model.pt", network, config, {})
        written.append((tmp_path / "model.pt").read_bytes())
    assert written[0] == written[1]  # a training that names it can see whether it is another
