# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A rendered drive by day, through a tunnel, into the night, with exact ground truth."""
