# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two trained segmentation networks under one head that weighs them."""
