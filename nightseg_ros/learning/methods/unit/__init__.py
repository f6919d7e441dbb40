# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""UNIT: day to night and back over a shared latent space."""
