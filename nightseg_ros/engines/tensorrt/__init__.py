# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""TensorRT and TensorRT-RTX, over the CUDA driver."""
