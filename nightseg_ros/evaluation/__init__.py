# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How good the masks are: confusion matrices and scores, and our figures beside published ones."""
