# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Studies: several trainings, and what is measured of them, as a file in config/studies says."""
