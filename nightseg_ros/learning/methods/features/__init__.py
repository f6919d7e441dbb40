# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A network that learns the features of a trained one, before it learns a task."""
