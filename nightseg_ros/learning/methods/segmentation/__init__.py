# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A segmentation network, trained on labelled (or pseudo-labelled) frames."""
