# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything offline that makes the models: data, networks, recipes. Needs torch."""
