# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the figures call a data set that a recipe names."""

from __future__ import annotations


def figure_name(spec: str) -> str:
    """Return the name under which figures on a set are told.

    >>> figure_name("nightseg:{data}:bdd_labelled/val@day")
    'bdd_labelled_val@day'
    """
    return spec.rpartition(":")[2].replace("/", "_")
