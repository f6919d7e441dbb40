# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Well-known fast segmentation networks, to compare speeds with; their weights are random.

Written from their papers in the forms that are in wide use, which test/ holds to the published
numbers of parameters and multiply-accumulates.
"""

from __future__ import annotations

from nightseg_ros.errors import NightsegError
from nightseg_ros.learning.networks.segmenter import Segmenter

PEERS = {
    "lraspp_mobilenet_v3": "LR-ASPP MobileNetV3-Large",
    "pspnet_resnet18": "PSPNet ResNet-18",
    "deeplabv3plus_mobilenet_v2": "DeepLabV3+ MobileNetV2",
    "segformer_b0": "SegFormer-B0",
}
"""Name on the command line -> name in tables."""


def create_peer(name: str, classes: int = 19) -> Segmenter:
    """Return one of these networks with random weights."""
    if name == "lraspp_mobilenet_v3":
        from nightseg_ros.learning.networks.peers.lraspp import LrAspp

        return LrAspp(classes)
    if name == "pspnet_resnet18":
        from nightseg_ros.learning.networks.peers.pspnet import PspNet

        return PspNet(classes)
    if name == "deeplabv3plus_mobilenet_v2":
        from nightseg_ros.learning.networks.peers.deeplab import DeepLabV3Plus

        return DeepLabV3Plus(classes)
    if name == "segformer_b0":
        from nightseg_ros.learning.networks.peers.segformer import SegFormer

        return SegFormer(classes)
    raise NightsegError(f"peer '{name}' is unknown; there are {', '.join(PEERS)}")
