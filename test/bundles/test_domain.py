# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The domain in a model.yaml: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import pytest
from support import models as tiny

from nightseg_ros.bundles.bundle import Bundle, domains
from nightseg_ros.bundles.domain import Domain, Feature
from nightseg_ros.bundles.write import rewrite_bundle
from nightseg_ros.errors import NightsegError

DOMAIN = Domain(
    (0.1, 0.8),
    {
        "contrast": Feature((1.0, 2.0), (0.5, 0.25)),
        "upper doubt": Feature((-3.0, -2.0), (1.0, 1.0)),
    },
    limit=2.0,
    light_limit=1.5,
    measured={"frames": 4},
)


def test_a_bundle_keeps_it_and_its_network(tmp_path):
    before = tiny.segmenter(tmp_path / "net")
    rewrite_bundle(before, "", domain=DOMAIN)
    after = Bundle.load(tmp_path / "net")
    assert after.domain == DOMAIN
    assert after.sha256 == before.sha256
    assert domains({"day": after, "night": before}) == {"day": DOMAIN}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"illumination": [0.8, 0.1]}, r"illumination is \[0.8, 0.1\], need increasing numbers"),
        ({"illumination": "dark"}, "illumination is 'dark', need numbers"),
        ({"features": {}}, "features is {}, need a mapping"),
        ({"features": {"contrast": 3}}, "contrast is 3, need mean and spread"),
        (
            {"features": {"contrast": {"mean": [1.0], "spread": [1.0, 1.0]}}},
            r"contrast mean is \[1.0\], need 2 numbers",
        ),
        (
            {"features": {"contrast": {"mean": [1.0, 1.0], "spread": [1.0, 0.0]}}},
            r"contrast spread is \[1.0, 0.0\], need numbers above 0",
        ),
        ({"limit": None}, r"limit is \[None\], need numbers"),
        ({"light_limit": -1.0}, "need numbers above 0"),
    ],
)
def test_what_is_wrong_is_named(change, fault):
    with pytest.raises(NightsegError, match=fault) as error:
        Domain.from_dict({**DOMAIN.to_dict(), **change})
    assert "write it again with `nightseg calibrate`" in str(error.value)
