# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of any origin: what a graph says about itself, and how it becomes one of ours."""
