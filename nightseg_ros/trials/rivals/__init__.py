# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Nodes as others build them, to measure ours beside: written from descriptions, no foreign code.

They are programs of their own, `python -m nightseg_ros.trials.rivals.NAME`, and as short as such
nodes are: no lifecycle, no diagnostics, no checks. Where a description leaves a choice, they take
the faster way.
"""
