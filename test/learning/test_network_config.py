# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Keys that a network does not have are refused and never recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch", reason="learning needs the extra train")

from nightseg_ros.errors import NightsegError  # noqa: E402
from nightseg_ros.learning.config import as_plain, load_config  # noqa: E402
from nightseg_ros.learning.network_config import (  # noqa: E402
    NetworkConfig,
    without_unused_keys,
)
from nightseg_ros.learning.networks import families  # noqa: E402
from nightseg_ros.learning.networks.registry import (  # noqa: E402
    create_network,
    load_checkpoint,
    save_checkpoint,
)

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "config" / "recipes" / "erf_pspnet_day.yaml"


@pytest.mark.parametrize(
    ("network", "settings", "message"),
    [
        ("erf_pspnet", ["pretrained=true"], "pretrained is True, but erf_pspnet has no such key"),
        ("erf_pspnet", ["pretrained=false"], "pretrained is False, but erf_pspnet has no such key"),
        ("erf_pspnet", ["weights=resnet.pth"], "weights is 'resnet.pth', but erf_pspnet has no"),
        ("erf_pspnet", ["auxiliary=true"], "auxiliary is True, but erf_pspnet has no such key"),
        ("efficientnet_fpn0", ["width=0.5"], "or use classes, pretrained, ciconv"),
        ("panoptic_fpn18", ["auxiliary=true"], "or use classes, width, weights, ciconv"),
        ("deeplab_v3plus_mobilenet", ["weights=x.pth"], "but deeplab_v3plus_mobilenet has no such"),
        ("deeplab_v3plus18", ["dropout=0.5"], "dropout is 0.5, but deeplab_v3plus18 has no such"),
        ("erf_pspnett", [], "network.name is 'erf_pspnett'; use one of .*, erf_pspnet, "),
    ],
)
def test_keys_that_a_network_does_not_have_are_refused(network, settings, message):
    changes = [f"network.{one}" for one in (f"name={network}", "width=1", *settings)]
    with pytest.raises(NightsegError, match=message):
        load_config(RECIPE, changes)


@pytest.mark.parametrize("name", sorted(families()))
def test_only_keys_that_mean_something_are_recorded(name):
    config = NetworkConfig(name)
    recorded = as_plain(config)
    assert without_unused_keys(recorded) == recorded
    assert ("pretrained" in recorded) == name.startswith("efficientnet_fpn")
    assert as_plain(load_config(RECIPE))["network"] == {
        "name": "erf_pspnet",
        "classes": 19,
        "width": 1.0,
        "dropout": 0.05,
        "ciconv": False,
    }


def test_a_translator_takes_the_network_of_its_day_model():
    path = ROOT / "config" / "recipes" / "night2day_task.yaml"
    with pytest.raises(NightsegError, match="it is that of day_model; leave it out"):
        load_config(path, ["network.name=panoptic_fpn18"])


def test_checkpoints_of_earlier_versions_are_still_read(tmp_path):
    config = NetworkConfig("deeplab_v3plus_mobilenet", width=0.25)
    network = create_network(config).eval()
    save_checkpoint(tmp_path / "model.pt", network, config, {})
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    assert "pretrained" not in content["network"]
    content["network"] |= {"pretrained": True, "weights": "gone.pth", "dropout": 0.05}
    torch.save(content, tmp_path / "old.pt")
    loaded, described, _ = load_checkpoint(tmp_path / "old.pt")
    assert described == config
    image = torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        assert torch.equal(loaded.logits(image), network.logits(image))


def test_a_checkpoint_needs_no_file_of_imagenet_weights(tmp_path):
    weights = tmp_path / "imagenet.pt"
    config = NetworkConfig("panoptic_fpn18", width=0.125)
    torch.save(create_network(config).trunk.state_dict(), weights)
    taught = NetworkConfig("panoptic_fpn18", width=0.125, weights=str(weights))
    save_checkpoint(tmp_path / "model.pt", create_network(taught), taught, {})
    weights.unlink()
    assert load_checkpoint(tmp_path / "model.pt")[1] == taught


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*/model.yaml")), ids=str)
def test_the_shipped_models_record_no_key_that_means_nothing(path):
    training = yaml.safe_load(path.read_text())["training"]
    recorded = [training["config"]["network"]]
    if "kind" not in training["network"]:
        recorded.append(training["network"])
    for network in recorded:
        assert without_unused_keys(network) == network
