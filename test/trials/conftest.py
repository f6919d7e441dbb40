# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Models for the nodes under test."""

from __future__ import annotations

import pytest
from support import fake_models


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory):
    """Return a folder with a day, a night and a translator model for the fake engine."""
    return fake_models.write_models(tmp_path_factory.mktemp("models"))
