# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""AdaptSegNet: outputs on unlabelled frames have to look like those on labelled ones."""
