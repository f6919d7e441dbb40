# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A module that brightens dark frames, by the losses of Zero-DCE."""
