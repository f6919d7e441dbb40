# Copyright 2026 the nightseg_ros authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime, with each of its providers."""
